import { BlockList, isIP } from 'node:net'
import { ConfigError } from '@nightpipe/files'

export interface Address {
  host: string
  port: number
}

/** `host:port`, `[::1]:port` or a port of this machine. */
export function addressOf(text: string, key: string): Address {
  const [, six, host = '127.0.0.1', port] = /^(?:\[([^\]]+)\]:|([^:[\]\s]+):)?(\d{1,5})$/.exec(text.trim()) ?? []
  if (port === undefined || Number(port) > 65535) throw new ConfigError(`${key}: '${text}' is not host:port`)
  return { host: six ?? host, port: Number(port) }
}

/** Whether an address lies in one of the networks: `127.0.0.0/8`, `::1/128`, or single addresses. */
export function networks(said: readonly string[], key: string): (address: string | undefined) => boolean {
  const list = new BlockList()
  for (const network of said) {
    const [address = '', length] = network.split('/')
    const version = isIP(address)
    const bits = length === undefined ? (version === 6 ? 128 : 32) : Number(length)
    if (!version || !Number.isInteger(bits) || bits < 0 || bits > (version === 6 ? 128 : 32)) {
      throw new ConfigError(`${key}: '${network}' is no network such as 192.168.0.0/16`)
    }
    list.addSubnet(address, bits, version === 6 ? 'ipv6' : 'ipv4')
  }
  return (address = '') => {
    const plain = address.replace(/^::ffff:(?=\d+\.)/, '') // IPv4 by way of an IPv6 socket
    return isIP(plain) !== 0 && list.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4')
  }
}

import { createHash, timingSafeEqual } from 'node:crypto'
import { ConfigError } from '@nightpipe/command'

/** Who sends a request, by the key in it; undefined for nobody that we know. */
export type Senders = (authorization: string | undefined) => string | undefined

const digest = (text: string) => createHash('sha256').update(text).digest()

/** The keys of the config. Compared by their digests, in a time that tells nothing. */
export function sendersOf(keys: Readonly<Record<string, string>>): Senders {
  const known = Object.entries(keys).map(([name, key]) => {
    const hex = /^sha256:([0-9a-f]{64})$/i.exec(key.trim())?.[1]
    if (!hex && key.trim().length < 16)
      throw new ConfigError(`[keys] ${name}: a key has at least 16 characters`, 'openssl rand -hex 24 makes one')
    return { name, digest: hex ? Buffer.from(hex, 'hex') : digest(key.trim()) }
  })
  return (authorization) => {
    const key = /^Bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1]
    if (key === undefined) return undefined
    const given = digest(key)
    let sender: string | undefined
    for (const one of known) if (timingSafeEqual(one.digest, given)) sender = one.name
    return sender
  }
}

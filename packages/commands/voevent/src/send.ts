import { connect } from 'node:net'
import { frameMessage, readTransport, unframer } from '@nightpipe/alerts'
import { type Conducting, Exit } from '@nightpipe/command'
import { text } from '@nightpipe/config'
import { ConfigError, DataError } from '@nightpipe/files'
import { type Address, addressOf } from './address.js'
import { eventsGiven } from './events-given.js'
import { readEvent } from './record.js'

export const sendSchema = { broker: { to: text('127.0.0.1:8098', 'the broker that takes events, as host:port') } }

/** Sends events to a broker, each over a connection of its own; done when every one was acknowledged. */
export async function send(request: Conducting<typeof sendSchema>): Promise<number> {
  const { flags, config, log } = request
  const seconds = Number(flags.timeout ?? 30)
  if (!(seconds > 0)) throw new ConfigError(`--timeout ${flags.timeout}: expected a time in seconds`)
  const to = addressOf(config.broker.to, '[broker] to')
  const given = eventsGiven(request, request.inputs.length > 0)
  let failed = 0
  for (const { name, read } of given) {
    try {
      const bytes = read()
      const { ivorn } = readEvent(bytes, name)
      if (request.dryRun) {
        await request.print(`${ivorn} to ${to.host}:${to.port}\n`)
        continue
      }
      await sendOne(bytes, to, seconds)
      log.info(`${name}: ${ivorn} was taken by ${to.host}:${to.port}`)
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      failed++
      log.warn(`${error.message.startsWith(name) ? '' : `${name}: `}${error.message}`)
    }
  }
  if (failed === 0) return Exit.done
  return failed === given.length ? Exit.noProduct : Exit.someFailed
}

function sendOne(bytes: Uint8Array, { host, port }: Address, seconds: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    const reader = unframer()
    const end = (problem?: string) => {
      socket.destroy()
      clearTimeout(timer)
      if (problem === undefined) resolve()
      else reject(new DataError(problem))
    }
    const timer = setTimeout(() => end(`${host}:${port} did not answer within ${seconds} s`), seconds * 1000)
    socket.on('connect', () => socket.write(frameMessage(bytes)))
    socket.on('error', (error) => end(`cannot send to ${host}:${port}: ${error.message}`))
    socket.on('close', () => end(`${host}:${port} closed the connection without an answer`))
    socket.on('data', (piece) => {
      try {
        for (const message of reader.take(piece)) {
          const answer = readTransport(message)
          if (answer?.role === 'ack') return end()
          if (answer?.role === 'nak') return end(`refused by ${answer.origin}: ${answer.result ?? 'no reason given'}`)
        }
      } catch (error) {
        end(`${host}:${port} answers what is no VTP: ${(error as Error).message}`)
      }
    })
  })
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort, lacking } from '@nightpipe/testing'

/** Why tests with a real NATS server are skipped; false where there is one. */
export const noNats = lacking('nats-server')

export interface NatsServer {
  url: string
  /** Ends it without a word, as a power cut does. */
  kill(): Promise<void>
  /** Begins it again on the same port and the same folder. */
  start(): Promise<void>
}

/** A NATS server of our own with JetStream, on a free port of this machine. */
export async function natsServer(folder: string): Promise<NatsServer> {
  const port = await freePort()
  let child: ChildProcess | undefined
  const server: NatsServer = {
    url: `nats://127.0.0.1:${port}`,
    async kill() {
      const mine = child
      child = undefined
      if (!mine || mine.exitCode !== null) return
      mine.kill('SIGKILL')
      await once(mine, 'close')
    },
    async start() {
      child = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder], { stdio: 'ignore' })
      for (let k = 0; k < 200; k++) {
        if (await answers(port)) return
        await wait(25)
      }
      throw new Error('nats-server does not answer')
    },
  }
  await server.start()
  return server
}

const answers = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('data', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })

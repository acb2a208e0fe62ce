import { type Conducting, ConfigError, defineConductor, Exit } from '@nightpipe/command'
import {
  type Arrived,
  checkName,
  checkSubject,
  connectionOptions,
  type Fate,
  follow,
  handOver,
} from '@nightpipe/messages'
import { subscribeSchema } from './schema.js'

/** What a store tells, for others to act on. */
export const productStoreSubscribe = defineConductor({
  name: 'product-store',
  subcommand: 'subscribe',
  summary: 'follows the messages of a store: prints them, or runs a command for each',
  description:
    'Receives the messages that product-store serve sends to NATS. Without --on-message each is printed as a line of JSON; ' +
    'with it a shell command is run, one at a time, with the message on its standard input and NIGHTPIPE_SUBJECT and ' +
    'NIGHTPIPE_SEQUENCE in its environment. With [messages] stream a message is acknowledged after the command ended with 0; ' +
    'else it is given again, later and later, so that each is dealt with at least once, also those that came while nobody ' +
    'listened. A server that is not there is called again until it is. Ends on Ctrl-C or SIGTERM, after the command at hand.',
  examples: [
    {
      run: 'product-store subscribe --from nats://127.0.0.1:4222 --stream PRODUCTS --on-message "./fetch-product.sh"',
      doc: 'every product',
    },
    {
      run: 'product-store subscribe --from nats://127.0.0.1:4222 --set messages.subject=products.refused.\\*',
      doc: 'what is refused, while we look',
    },
  ],
  schema: subscribeSchema,
  flags: {
    from: { type: 'text', doc: 'NATS server', placeholder: 'URL', config: 'messages.url' },
    stream: {
      type: 'text',
      doc: 'JetStream stream that keeps the messages',
      placeholder: 'NAME',
      config: 'messages.stream',
    },
    durable: { type: 'text', doc: 'the name of this subscriber', placeholder: 'NAME', config: 'messages.durable' },
    'on-message': {
      type: 'text',
      doc: 'shell command for each message',
      placeholder: 'COMMAND',
      config: 'command.run',
    },
    count: { type: 'integer', doc: 'end after so many messages were dealt with', placeholder: 'N' },
  },
  measurements: [],
  inputs: 'none',
  prints: true,
  conduct: subscribe,
})

async function subscribe(request: Conducting<typeof subscribeSchema>): Promise<number> {
  const { config, log, signal, flags, dryRun } = request
  const { messages } = config
  if (messages.url === '') throw new ConfigError('no NATS server is named', 'say by --from where messages come from')
  connectionOptions(messages, '[messages] url')
  checkName(messages.stream, '[messages] stream')
  checkName(messages.durable, '[messages] durable')
  checkSubject(messages.subject, '[messages] subject', true)
  if (messages.stream !== '' && messages.durable === '')
    throw new ConfigError('[messages] durable is empty', 'JetStream remembers by it what was done')
  if (dryRun) return Exit.done
  const end = new AbortController()
  const stop = () => end.abort()
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
  let left = Number(flags.count ?? Number.POSITIVE_INFINITY)
  await follow({ ...messages, atOnce: 1 }, { log, signal: end.signal, key: '[messages] url' }, async (message) => {
    const fate = await deal(message, request)
    if (fate === 'done' && --left <= 0) setTimeout(stop, 50) // first the server is told
    return fate
  })
  return Exit.done
}

async function deal(message: Arrived, { config, log, print }: Conducting<typeof subscribeSchema>): Promise<Fate> {
  const { subject, body, sequence, before } = message
  if (config.command.run === '') {
    await print(`${Buffer.from(body).toString().replace(/\n/g, ' ')}\n`)
    return 'done'
  }
  const facts = { NIGHTPIPE_SUBJECT: subject, NIGHTPIPE_SEQUENCE: String(sequence) }
  const { code, words } = await handOver(config.command.run, body, facts, config.command.timeout)
  if (code === 0) return 'done'
  const times = before > 0 ? `, for the ${before + 1}th time` : ''
  log.warn(`the command ended with ${code} for message ${sequence} (${subject})${times}${words ? `: ${words}` : ''}`)
  return 'again'
}

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Command, type Conducting, ConfigError, defineConductor, Exit } from '@nightpipe/command'
import { type ConfigOf, profileFolder } from '@nightpipe/config'
import { checkName, checkSubject, connectionOptions, publishing } from '@nightpipe/messages'
import { descriptorJson, parseDescriptor, readDescriptorJson } from '@nightpipe/products'
import { openStore, type Store } from '@nightpipe/store'
import { sendersOf } from './access.js'
import { announcer } from './announce.js'
import { journalTable } from './journal.js'
import { serveSchema } from './schema.js'
import { makeServer } from './server.js'
import { productStoreSubscribe } from './subscribe.js'

/** The service. */
export const productStoreServe = defineConductor({
  name: 'product-store',
  subcommand: 'serve',
  summary: 'a store of science products with an HTTP interface: import, search, export',
  description:
    'Keeps descriptors and products in the output folder: the files by their digests, an index of them in an embedded ' +
    'database or on a PostgreSQL server ([database] url). An upload is answered when it is on disk and in the index; the same ' +
    'again changes nothing, another content is a new version, nothing is overwritten. A file is taken only if it is what the ' +
    'descriptor of its CARD says. Everything that came, taken or refused, is in journal.csv. GET /docs explains the routes. ' +
    'With [messages] url a NATS message tells of each: it enters an outbox with the change that it tells of, and leaves it when ' +
    'the server has it, so that none is lost and no store waits for NATS. Ends on Ctrl-C or SIGTERM.',
  examples: [
    {
      run: 'product-store serve --output store/ --set keys.gp1=0123456789abcdef0123',
      doc: 'on this machine, one sender',
    },
    {
      run: 'curl -H "Authorization: Bearer 0123456789abcdef0123" -F product=@DT_GFT_FGFT.fits http://127.0.0.1:5000/import/v0/a_product',
      doc: 'a product',
    },
  ],
  schema: serveSchema,
  flags: { port: { type: 'integer', doc: 'port to listen on', placeholder: 'PORT', config: 'server.port' } },
  measurements: [],
  tables: [journalTable],
  inputs: 'none',
  conduct: serve,
})

async function serve(request: Conducting<typeof serveSchema>): Promise<number> {
  const { config, output, log, signal, print, dryRun } = request
  const senders = sendersOf(config.keys)
  const local = ['127.0.0.1', '::1', 'localhost'].includes(config.server.host)
  if (config.access.open && !local)
    throw new ConfigError('[access] open with a host that others can reach', 'give [keys] to those who send')
  if (!config.access.open && Object.keys(config.keys).length === 0)
    throw new ConfigError('nobody could send: no [keys]', 'give a key to each sender, or [access] open = yes')
  const telling = config.messages.url !== ''
  if (telling) checkMessages(config)
  if (dryRun) return Exit.done
  const announce = telling ? announcer(config.messages.subject) : undefined
  const store = await openStore({ folder: output, database: config.database.url, announce })
  const messages = telling ? publishing(config.messages, store, { log, signal, key: '[messages] url' }) : undefined
  try {
    await enterDescriptors(store, config.products.descriptors)
    const server = await makeServer({ store, config, senders, log, posted: () => messages?.poke() })
    messages?.poke()
    const address = await server.listen({ host: config.server.host, port: config.server.port })
    await print(`${address}\n`)
    if (!signal.aborted)
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    await server.close()
  } finally {
    await messages?.close()
    await store.close()
  }
  return Exit.done
}

function checkMessages({ messages }: ConfigOf<typeof serveSchema>): void {
  connectionOptions(messages, '[messages] url')
  checkName(messages.stream, '[messages] stream')
  checkSubject(messages.subject, '[messages] subject')
}

/** The descriptors that a store begins with; one that is there stays as it is. */
async function enterDescriptors(store: Store, given: string): Promise<void> {
  const instruments = profileFolder()
  const folder = given || (instruments && join(dirname(instruments), 'products'))
  if (!folder) return
  for (const file of readdirSync(folder).sort()) {
    const text = readFileSync(join(folder, file), 'utf8')
    const isCard = file.endsWith('.tsv') && /^CARD\t/m.test(text)
    const descriptor = isCard
      ? parseDescriptor(text, file, (name) => readFileSync(join(folder, name), 'utf8')).descriptor
      : file.endsWith('.json')
        ? readDescriptorJson(text).descriptor
        : undefined
    if (!descriptor || (await store.card(descriptor.card))) continue
    const { card, name, description, dstream, instrument, dpLevel, prdmVer, programs } = descriptor
    const json = descriptorJson(descriptor)
    const sha256 = createHash('sha256').update(JSON.stringify(json)).digest('hex')
    await store.putCard({
      card,
      name,
      description,
      dstream,
      instrument,
      dpLevel,
      prdmVer,
      programs,
      descriptor: json,
      sha256,
    })
  }
}

export const commands = [productStoreServe, productStoreSubscribe] as unknown as readonly Command[]

import { createReadStream, readFileSync, rmSync } from 'node:fs'
import multipart from '@fastify/multipart'
import { type Log, VERSION } from '@nightpipe/command'
import type { ConfigOf } from '@nightpipe/config'
import { systemCode } from '@nightpipe/files'
import { descriptorJson, readDescriptorJson } from '@nightpipe/products'
import type { Store } from '@nightpipe/store'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Senders } from './access.js'
import { refusalMessage } from './announce.js'
import { examine } from './examine.js'
import { type Notice, noteDown } from './journal.js'
import { type Received, receive } from './receive.js'
import { Refusal } from './refusal.js'
import { openApi, ROUTES, type Route, routesPage } from './routes.js'
import type { serveSchema } from './schema.js'
import { readSearch } from './search-query.js'

export interface Service {
  store: Store
  config: ConfigOf<typeof serveSchema>
  senders: Senders
  log: Log
  /** Messages wait in the outbox. */
  posted(): void
}

/** A service at work: how many uploads are on their way. */
type Serving = Service & { uploads: number }

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

/** The HTTP interface of a store. */
export async function makeServer(service: Service): Promise<FastifyInstance> {
  const { config, log } = service
  const largest = Math.round(config.server['largest upload'] * 1e6)
  const server = fastify({
    logger: false,
    bodyLimit: largest,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 40 },
  })
  await server.register(multipart, {
    ...{ throwFileSizeLimit: false, preservePath: true },
    limits: { fileSize: largest, files: 2, fields: 4, fieldSize: 4096, parts: 6 },
  } as never)
  server.setErrorHandler((error, request, reply) => refuse(error as Error, request, reply, service))
  server.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: `nothing at ${request.method} ${request.url.split('?')[0]}` }),
  )
  const handlers = handlersOf({ ...service, uploads: 0 })
  for (const route of ROUTES)
    server.route({ method: route.method, url: route.path, handler: guarded(route, handlers[route.name], service) })
  log.detail(`${ROUTES.length} routes`)
  return server
}

/** A key is asked for before a byte of the upload is read. */
function guarded(route: Route, handler: Handler, { config, senders }: Service): Handler {
  return async (request, reply) => {
    const needed = route.key
      ? !config.access.open
      : !config.access['open search'] && !['home', 'openapi', 'page'].includes(route.name)
    const sender = senders(request.headers.authorization)
    if (needed && sender === undefined) throw new Refusal(401, request.headers.authorization ? 'a wrong key' : 'no key')
    ;(request as { sender?: string }).sender = sender ?? 'anybody'
    return handler(request, reply)
  }
}

const senderOf = (request: FastifyRequest) => (request as { sender?: string }).sender ?? 'nobody'

function handlersOf(service: Serving): Record<Route['name'], Handler> {
  const { store } = service
  const idOf = (request: FastifyRequest) => {
    const { id } = request.params as { id: string }
    if (!/^\d{1,15}$/.test(id)) throw new Refusal(400, `'${id}' is no number of a product`)
    return Number(id)
  }
  const productOf = async (request: FastifyRequest) => {
    const product = await store.product(idOf(request))
    if (!product) throw new Refusal(404, `no product ${idOf(request)}`)
    return product
  }
  return {
    home: async () => ({ OK: 'Colibri interface is alive' }),
    health: async () => ({
      version: VERSION,
      cards: (await store.searchCards([])).length,
      products: (await store.searchProducts([])).length,
    }),
    openapi: async () => openApi(VERSION),
    page: async (_, reply) => reply.type('text/html').send(routesPage(VERSION)),
    card: (request, reply) => uploading(service, request, reply, { field: 'spjson', take: takeCard }),
    product: (request, reply) => uploading(service, request, reply, { field: 'product', take: takeProduct }),
    cards: async (request) =>
      table(readSearch('sp_cards', request.query as never), (criteria) => store.searchCards(criteria)),
    products: async (request) =>
      table(readSearch('products', request.query as never), (criteria) => store.searchProducts(criteria)),
    facts: (request) => productOf(request),
    async file(request, reply) {
      const product = await productOf(request)
      reply.header('content-length', product.size).header('etag', `"${product.sha256}"`)
      reply.header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(product.name)}`)
      return reply.type('application/fits').send(createReadStream(store.fileOf(product.sha256)))
    },
  }
}

async function table(
  query: ReturnType<typeof readSearch>,
  search: (criteria: ReturnType<typeof readSearch>['criteria']) => Promise<Record<string, unknown>[]>,
) {
  const rows = await search(query.criteria)
  return { columns: query.columns, rows: rows.map((row) => query.columns.map((name) => row[name])) }
}

type Take = (
  service: Service,
  received: Received,
  sender: string,
) => Promise<{ state: string; answer: object; notice: Notice }>

/** Receives the file of a request, hands it on, and leaves nothing behind when it is refused. */
async function uploading(
  service: Serving,
  request: FastifyRequest,
  reply: FastifyReply,
  { field, take }: { field: string; take: Take },
): Promise<unknown> {
  if (!request.isMultipart()) throw new Refusal(400, 'a file is expected, as multipart/form-data')
  if (service.uploads >= service.config.server['at once'])
    throw new Refusal(503, 'too many uploads at once: come again later')
  service.uploads++
  let received: Received | undefined
  try {
    // To its end: a second file would else be lost, and its sender told that all is well.
    for await (const part of request.files()) {
      if (received) throw new Refusal(400, 'the request holds more than one file: send each by itself')
      if (part.fieldname.toLowerCase() !== field)
        throw new Refusal(400, `the file is in the field '${part.fieldname.slice(0, 60)}', ${field} is expected`)
      received = await receive(part, service.store)
    }
    if (!received) throw new Refusal(400, 'the request holds no file')
    const { state, answer, notice } = await take(service, received, senderOf(request))
    service.posted()
    await noteDown(service.store.folder, notice)
    return reply.code(state === 'unchanged' ? 200 : 201).send(answer)
  } finally {
    service.uploads--
    if (received) rmSync(received.path, { force: true })
  }
}

const takeCard: Take = async ({ store }, { path, name, sha256 }, sender) => {
  const text = readFileSync(path, 'utf8')
  const { descriptor, problems } = readDescriptorJson(text)
  if (!descriptor) throw new Refusal(422, `not a descriptor: ${problems.slice(0, 20).join('; ')}`)
  const { card, description, dstream, instrument, dpLevel, prdmVer, programs } = descriptor
  if (!/^[A-Za-z0-9_-]{1,68}$/.test(card)) throw new Refusal(422, `'${card.slice(0, 60)}' is no name of a card`)
  const facts = { card, name: descriptor.name, description, dstream, instrument, dpLevel, prdmVer, programs }
  const state = await store.putCard({ ...facts, descriptor: descriptorJson(descriptor), sha256 }, sender)
  const words = { new: 'SP Card created.', changed: 'SP Card updated.', unchanged: 'SP Card updated.' }
  return {
    state,
    answer: { OK: words[state], card, state },
    notice: { what: 'card', state, card, name, sender, sha256 },
  }
}

const takeProduct: Take = async ({ store, config }, { path, name, size, sha256 }, sender) => {
  const facts = await examine(path, store, config.products.programs)
  const { product, state } = await store.takeProduct(
    path,
    { ...facts, name, size, sha256, sender },
    new Date().toISOString(),
  )
  const { id, version, card } = product
  const words = { new: 'Product added.', version: 'Product updated.', unchanged: 'Product unchanged.' }
  return {
    state,
    answer: { OK: words[state], id, card, version, state, sha256 },
    notice: { what: 'product', state, card, name, sender, sha256, id, version },
  }
}

/** Every refusal is answered in JSON and noted down; what we did not expect is ours. */
async function refuse(
  error: Error & { statusCode?: number },
  request: FastifyRequest,
  reply: FastifyReply,
  service: Service,
): Promise<void> {
  const { log } = service
  const full = ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '')
  const status = error instanceof Refusal ? error.status : full ? 507 : (error.statusCode ?? 500)
  const reason =
    error instanceof Refusal || (status >= 400 && status < 500)
      ? error.message
      : full
        ? 'the disk of the store is full'
        : 'an error of the store'
  if (status >= 500) log.warn(`${request.method} ${request.url}: ${error.stack ?? error.message}`)
  if (request.method === 'POST')
    await tellRefusal(service, { what: 'refused', state: String(status), sender: senderOf(request), reason }).catch(
      (failure: Error) => log.warn(failure.message),
    )
  await reply
    .code(status)
    .header('connection', status === 413 ? 'close' : 'keep-alive')
    .send({ error: reason })
}

async function tellRefusal({ store, config: { messages }, posted }: Service, notice: Notice): Promise<void> {
  await noteDown(store.folder, notice)
  if (messages.url === '') return
  await store.post(refusalMessage(messages.subject, notice))
  posted()
}

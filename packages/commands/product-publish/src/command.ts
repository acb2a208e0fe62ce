import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type Conducting, ConfigError, DataError, defineConductor, Exit } from '@nightpipe/command'
import { integer, number, path, text } from '@nightpipe/config'
import { sha256OfFile } from '@nightpipe/files'
import { editTable, readTable, upsertRows } from '@nightpipe/table'
import { type OutboxRow, outboxTable } from './outbox.js'
import { post } from './post.js'

const schema = {
  store: {
    url: text('', 'where products go: http://host:port/import/v0/a_product; without a path that one is taken'),
    'key file': path('', 'file with the key in it; empty: the variable NIGHTPIPE_STORE_KEY, or none'),
  },
  sending: {
    attempts: integer(8, 'how often a product is tried in one call', { min: 1 }),
    'first wait': number(1, 'before the second attempt; doubled for each further one', { unit: 's', min: 0 }),
    'longest wait': number(300, 'between attempts', { unit: 's', min: 0 }),
    timeout: number(60, 'a store that is silent for so long is tried again', { unit: 's', min: 0.1 }),
  },
}

/** Products on their way. */
export const productPublish = defineConductor({
  name: 'product-publish',
  summary: 'products sent to a store: once, again after a failure, never twice',
  description:
    'Enters each product into outbox.csv in the output folder, by its content, and sends what is waiting there, of this call ' +
    'and of earlier ones. A store that cannot be reached, is full or asks to wait is tried again, with longer and longer ' +
    'pauses; a product that it refuses stays refused until the file changes. What was acknowledged is not sent again; if a ' +
    'call dies between the acknowledgement and its note, the store knows the content and changes nothing. Exit code 5 when ' +
    'some are waiting or refused, 3 when all are.',
  examples: [
    { run: 'product-publish -s products/ -r outbox/ --to http://127.0.0.1:5000', doc: 'the products of a folder' },
    { run: 'product-publish -r outbox/ --to http://127.0.0.1:5000', doc: 'only what is still waiting' },
  ],
  schema,
  flags: {
    to: { type: 'text', doc: 'the store', placeholder: 'URL', config: 'store.url' },
    'key-file': { type: 'text', doc: 'file with the key in it', placeholder: 'FILE', config: 'store.key file' },
  },
  measurements: [],
  tables: [outboxTable],
  inputs: 'optional',
  conduct: publish,
})

const PATH = '/import/v0/a_product'

async function publish(request: Conducting<typeof schema>): Promise<number> {
  const { inputs, output, config, dryRun, log } = request
  const url = urlOf(config.store.url)
  const table = join(output, outboxTable.name)
  const given = inputs.map(({ path }) => ({
    sha256: sha256OfFile(path),
    to: url.href,
    file: path,
    state: 'waiting',
    attempts: 0,
  }))
  if (dryRun) {
    for (const { file } of given) await request.print(`${file}\n`)
    return Exit.done
  }
  // What was sent, or refused, stays so: the same content is not waiting again.
  await editTable(table, outboxTable, (rows) => {
    const known = new Set(rows.map(keyOf))
    return [...rows, ...given.filter((row) => !known.has(keyOf(row)))]
  })
  const mine = readTable(table, outboxTable).filter(({ to }) => to === url.href)
  const waiting = mine.filter(({ state }) => state === 'waiting')
  const again = given.filter((row) => mine.some((one) => keyOf(one) === keyOf(row) && one.state !== 'waiting')).length
  const key = keyFrom(config.store['key file'])
  const counts = { sent: 0, refused: 0, waiting: 0 }
  for (const row of waiting) {
    if (request.signal.aborted) return Exit.interrupted
    const done = await sendRow(row, url, key, request)
    await upsertRows(table, outboxTable, [done])
    counts[done.state as 'sent']++
    const shown = relative('', done.file)
    if (request.json)
      await request.print(
        `${JSON.stringify({ product: shown, status: done.state, answer: done.answer, attempts: done.attempts })}\n`,
      )
    else if (done.state === 'sent') await request.print(`${shown}\n`)
    else log.warn(`${shown}: ${done.state}: ${done.answer}`)
  }
  log.info(`${counts.sent} sent, ${counts.refused} refused, ${counts.waiting} waiting, ${again} were done before`)
  if (counts.refused + counts.waiting === 0) return Exit.done
  return counts.sent > 0 ? Exit.someFailed : Exit.noProduct
}

const keyOf = ({ sha256, to }: Pick<OutboxRow, 'sha256' | 'to'>) => `${sha256} ${to}`

function urlOf(said: string): URL {
  if (said === '') throw new ConfigError('no store is named', 'say by --to where products go')
  const url = URL.canParse(said) ? new URL(said) : undefined
  if (!url || !/^https?:$/.test(url.protocol))
    throw new ConfigError(`'${said}' is no address of a store`, 'as http://127.0.0.1:5000')
  if (url.pathname === '/') url.pathname = PATH
  return url
}

function keyFrom(file: string): string {
  if (file === '') return process.env.NIGHTPIPE_STORE_KEY?.trim() ?? ''
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new DataError(`cannot read the key in ${file}: ${(error as Error).message}`)
  }
}

/** Tries until it is sent, refused, or the attempts of this call are used up. */
async function sendRow(
  row: OutboxRow,
  url: URL,
  key: string,
  { config, signal, log }: Conducting<typeof schema>,
): Promise<OutboxRow> {
  const { sending } = config
  if (!existsSync(row.file)) return { ...row, state: 'refused', answer: 'the file is gone' }
  if (sha256OfFile(row.file) !== row.sha256)
    return { ...row, state: 'refused', answer: 'the file has changed since: give it again' }
  let { attempts = 0 } = row
  let pause = sending['first wait']
  for (let k = 1; ; k++) {
    attempts++
    const { state, text } = await post(url, row.file, key, sending.timeout, signal)
    if (state === 'sent') return { ...row, state, attempts, answer: text, sent_utc: new Date().toISOString() }
    if (state === 'refused') return { ...row, state, attempts, answer: text }
    if (k >= sending.attempts || signal.aborted) return { ...row, state: 'waiting', attempts, answer: text }
    log.detail(`${row.file}: ${text}; again in ${pause} s`)
    await wait(pause * 1000, undefined, { signal }).catch(() => undefined)
    pause = Math.min(2 * pause, sending['longest wait'])
  }
}

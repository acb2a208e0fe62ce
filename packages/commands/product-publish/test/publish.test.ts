import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { commandLine } from '@nightpipe/testing'
import t from 'tap'

async function run(...args: string[]) {
  const child = spawn(...commandLine('product-publish', ...args), {
    env: { ...process.env, NIGHTPIPE_STORE_KEY: 'the-key' },
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (piece) => (stdout += piece))
  child.stderr.on('data', (piece) => (stderr += piece))
  const [status] = await once(child, 'close')
  return { status, stdout, stderr }
}

/** A server that answers as it is told, and keeps what it got. */
async function store(
  t: { teardown(work: () => void): void },
  answer: (n: number, body: string) => [number, object] | undefined,
) {
  const got: { body: string; key?: string; url?: string }[] = []
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let body = ''
    request.setEncoding('latin1')
    request.on('data', (piece) => (body += piece))
    request.on('end', () => {
      got.push({ body, key: request.headers.authorization, url: request.url })
      const said = answer(got.length, body)
      if (!said) {
        request.socket.destroy()
        return
      }
      response.writeHead(said[0], { 'content-type': 'application/json' }).end(JSON.stringify(said[1]))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { got, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** What stands between the boundaries, which differ from call to call. */
const contentOf = (body: string) => body.split('\r\n\r\n')[1]?.split('\r\n')[0] ?? ''

const quick = ['--set', 'sending.first wait=0.05', '--set', 'sending.attempts=4']
const added: [number, object] = [201, { OK: 'Product added.', id: 7, version: 1 }]

t.test('each product is sent once, with its key, and never again', async (t) => {
  const folder = t.testdir({ in: { 'a.fits': 'AAA', 'b.fits': 'BBB' } })
  const { got, url } = await store(t, () => added)
  const first = await run('-s', join(folder, 'in'), '-r', join(folder, 'out'), '--to', url)
  t.equal(first.status, 0, first.stderr)
  t.equal(first.stdout.trim().split('\n').length, 2)
  t.match(got, [
    { key: 'Bearer the-key', url: '/import/v0/a_product', body: /name="product"; filename="a.fits"[\s\S]*AAA/ },
    { body: /BBB/ },
  ])
  t.match(await run('-s', join(folder, 'in'), '-r', join(folder, 'out'), '--to', url), {
    status: 0,
    stdout: '',
    stderr: /2 were done before/,
  })
  t.equal(got.length, 2)
  t.match(readFileSync(join(folder, 'out/outbox.csv'), 'utf8'), /sent,1,.*Product added. \(number 7, version 1\)/)
})

t.test('a store that stumbles is tried again; one that refuses is not', async (t) => {
  const folder = t.testdir({ in: { 'a.fits': 'AAA', 'bad.fits': 'BAD' } })
  const { got, url } = await store(t, (n, body) =>
    body.includes('BAD') ? [422, { error: 'not a DT' }] : n === 1 ? undefined : n === 2 ? [503, {}] : added,
  )
  const { status, stderr } = await run('-s', join(folder, 'in'), '-r', join(folder, 'out'), '--to', url, ...quick)
  t.equal(status, 5)
  t.match(stderr, /bad.fits: refused: 422 not a DT/)
  t.equal(got.length, 4, 'three for the first, one for the second')
})

t.test('without a store products wait, and the next call sends them without being told which', async (t) => {
  const folder = t.testdir({ in: { 'a.fits': 'AAA' } })
  let up = false
  const { got, url } = await store(t, () => (up ? added : [503, { error: 'later' }]))
  t.match(await run('-s', join(folder, 'in'), '-r', join(folder, 'out'), '--to', url, ...quick), {
    status: 3,
    stderr: /waiting: 503 later/,
  })
  t.equal(got.length, 4)
  up = true
  t.match(await run('-r', join(folder, 'out'), '--to', url), { status: 0, stderr: /1 sent/ })
  t.match(readFileSync(join(folder, 'out/outbox.csv'), 'utf8'), /,sent,5,/)
})

t.test('a file that changed while it waited is not sent under the old name', async (t) => {
  const folder = t.testdir({ in: { 'a.fits': 'AAA' } })
  const { url } = await store(t, () => [503, {}])
  await run('-s', join(folder, 'in'), '-r', join(folder, 'out'), '--to', url, ...quick)
  appendFileSync(join(folder, 'in/a.fits'), 'more')
  t.match(await run('-r', join(folder, 'out'), '--to', url, ...quick), { status: 3, stderr: /changed since/ })
})

t.test('killed after the acknowledgement and before its note, it is sent again, and the store knows it', async (t) => {
  const folder = t.testdir({ in: { 'a.fits': 'AAA' } })
  const seen = new Set<string>()
  const { url } = await store(t, (_, body) => {
    const known = seen.has(contentOf(body))
    seen.add(contentOf(body))
    return known ? [200, { OK: 'Product unchanged.' }] : added
  })
  await run('-s', join(folder, 'in'), '-r', join(folder, 'out'), '--to', url)
  const path = join(folder, 'out/outbox.csv')
  writeFileSync(path, readFileSync(path, 'utf8').replace(',sent,', ',waiting,'))
  t.match(await run('-r', join(folder, 'out'), '--to', url), { status: 0, stderr: /1 sent/ })
})

t.test('an address that is none is refused', async (t) => {
  const folder = t.testdir()
  t.match(await run('-r', join(folder, 'out'), '--to', 'somewhere'), { status: 2, stderr: /is no address of a store/ })
  t.match(await run('-r', join(folder, 'out')), { status: 2, stderr: /no store is named/ })
})

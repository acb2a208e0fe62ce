import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type CardValue, createHeader, writeFits } from '@nightpipe/fits'
import { commandLine } from '@nightpipe/testing'
import t from 'tap'

async function run(...args: string[]) {
  const child = spawn(...commandLine('product-check', 'consistency', ...args))
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (piece) => (stdout += piece))
  child.stderr.on('data', (piece) => (stderr += piece))
  const [status] = await once(child, 'close')
  return {
    status,
    stdout,
    stderr,
    rows: stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line)),
  }
}

function product(path: string, burst: string, cards: Record<string, CardValue> = {}, extra = false): void {
  mkdirSync(join(path, '..'), { recursive: true })
  const all = { CARD: 'DT', BURST_ID: burst, GFT_OBID: '1', MY_VERS: 1, ...cards }
  const header = createHeader(Object.entries(all).map(([key, value]): [string, CardValue] => [key, value]))
  const pixels = Float32Array.of(1)
  writeFits(path, [
    { kind: 'empty', header },
    ...(extra ? [{ kind: 'image' as const, name: 'MORE', bitpix: -32 as const, axes: [1], pixels }] : []),
  ])
}

t.test('every kind of difference is told, with what would mend it', async (t) => {
  const folder = t.testdir()
  const [l, r] = [join(folder, 'l'), join(folder, 'r')]
  product(join(l, 'same.fits'), 'sb0')
  mkdirSync(r)
  copyFileSync(join(l, 'same.fits'), join(r, 'same.fits'))
  product(join(l, 'a.fits'), 'sb1')
  product(join(r, 'b.fits'), 'sb2')
  product(join(l, 'c.fits'), 'sb3', { ORIGIN: 'FSC' })
  product(join(r, 'c.fits'), 'sb3', { ORIGIN: 'CS' })
  product(join(l, 'd.fits'), 'sb4', { MY_VERS: 2 })
  product(join(r, 'd.fits'), 'sb4')
  product(join(l, 'e.fits'), 'sb5')
  product(join(r, 'e.fits'), 'sb5', {}, true)
  const { status, rows } = await run('--left', l, '--right', r, '--json')
  t.equal(status, 4)
  t.match(
    rows.map(({ product, difference, detail, mend }) => [product, difference, detail, mend].join('|')),
    [
      'DT sb1 1|missing right||POST right',
      'DT sb2 1|missing left||POST left',
      'DT sb3 1|keyword|ORIGIN of HDU 0|UPDATE',
      'DT sb4 1|version||UPDATE right',
      'DT sb4 1|keyword|MY_VERS of HDU 0|UPDATE right',
      'DT sb5 1|HDUs||UPDATE',
    ],
  )
})

t.test('two like folders are consistent; a place that is none is told', async (t) => {
  const folder = t.testdir()
  product(join(folder, 'l/x.fits'), 'sb1')
  t.match(await run('--left', join(folder, 'l'), '--right', join(folder, 'l')), { status: 0, stdout: '' })
  t.match(await run('--left', join(folder, 'l'), '--right', join(folder, 'none')), { status: 3, stderr: /no folder/ })
  t.match(await run('--left', join(folder, 'l'), '--right', 'http://127.0.0.1:9'), {
    status: 3,
    stderr: /cannot reach/,
  })
  t.match(await run('--left', join(folder, 'l')), { status: 2, stderr: /two sides are needed/ })
})

t.test('a store is compared by what it says, and by its files where they differ', async (t) => {
  const folder = t.testdir()
  product(join(folder, 'l/x.fits'), 'sb1', { ORIGIN: 'FSC' })
  product(join(folder, 'other.fits'), 'sb1', { ORIGIN: 'CS' })
  const bytes = readFileSync(join(folder, 'other.fits'))
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    if (path.endsWith('/file')) response.end(bytes)
    else if (path.endsWith('/search/result/products'))
      response.end(
        JSON.stringify({
          columns: ['id', 'card', 'name', 'version', 'sha256'],
          rows: [[1, 'DT', 'x.fits', 1, sha256]],
        }),
      )
    else response.end(JSON.stringify({ keywords: { BURST_ID: 'sb1', GFT_OBID: '1' } }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { status, rows } = await run(
    '--left',
    join(folder, 'l'),
    '--right',
    `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    '--json',
  )
  t.equal(status, 4)
  t.match(rows, [{ difference: 'keyword', detail: 'ORIGIN of HDU 0', left: 'FSC', right: 'CS' }])
})

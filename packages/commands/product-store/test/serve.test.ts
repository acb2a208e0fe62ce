import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { descriptorJson } from '@nightpipe/products'
import { call } from '@nightpipe/testing'
import t, { type Test } from 'tap'
import {
  descriptorOf,
  getJson,
  KEY,
  makeProduct,
  noPostgres,
  type Sent,
  send,
  serve,
  startPostgres,
} from './support.js'

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
const filesIn = (folder: string): string[] =>
  readdirSync(join(folder, 'files'), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.fits'))

t.test('products come in, are found, and come out the same', async (t) => {
  const folder = t.testdir()
  const served = await serve(join(folder, 'store'))
  const [one, two] = [
    makeProduct(join(folder, 'one.fits'), 'sb1', 18),
    makeProduct(join(folder, 'two.fits'), 'sb1', 19),
  ]
  t.match(await send(served.url, one), { status: 201, json: { OK: 'Product added.', version: 1 } })
  t.match(await send(served.url, one), { status: 200, json: { OK: 'Product unchanged.', version: 1, id: 1 } })
  t.match(await send(served.url, two, { route: '/v0/add_product' }), {
    status: 201,
    json: { state: 'version', version: 2 },
  })
  t.match(await send(served.url, one, { route: '/upload-product', field: 'Product' }), { status: 200 })
  t.match(await getJson(`${served.url}/search/result/products?s=101&a=1;2;4;5&c=9::eq::GFT&c=4::ge::2`), {
    columns: ['id', 'card', 'version', 'burst_id'],
    rows: [[2, 'LC_GFT_FGFT', 2, 'sb1']],
  })
  t.match(await getJson(`${served.url}/search/result/sp_cards?s=101&a=1;2;3;4;5;6;8;9&c=5::eq::GFT`), {
    rows: { length: 14 },
  })
  t.match(await getJson(`${served.url}/search/result/products?a=99`), { error: /no column 99/ })
  for (const bad of ['4::gt::many', '9::constructor::x', '4::gt'])
    t.match(await getJson(`${served.url}/search/result/products?c=${bad}`), { error: /whole number|is not column::/ })
  t.match(await getJson(`${served.url}/search/result/products?a=1&a=4&c=9::eq::'%20or%201=1`), { rows: [] })
  t.match(await getJson(`${served.url}/export/v0/products/2`), { version: 2, keywords: { BURST_ID: 'sb1' } })
  const bytes = Buffer.from(await (await fetch(`${served.url}/export/v0/products/2/file`)).arrayBuffer())
  t.equal(createHash('sha256').update(bytes).digest('hex'), sha256(two))
  t.match(await getJson(`${served.url}/export/v0/products/3`), { error: 'no product 3' })
  t.match(await getJson(`${served.url}/openapi.json`), {
    openapi: '3.1.0',
    paths: { '/import/v0/a_product': { post: { security: [{ key: [] }] } } },
  })
  t.match(await (await fetch(`${served.url}/docs`)).text(), /<h1>Product store/)
  const card = join(folder, 'card.json')
  writeFileSync(card, JSON.stringify({ ...descriptorJson(descriptorOf('LC_GFT_FGFT')), contact: 'other' }))
  t.match(await send(served.url, card, { route: '/import/v0/a_spjson', field: 'spjson', name: 'LC.json' }), {
    json: { OK: 'SP Card updated.', state: 'changed' },
  })
  await served.kill('SIGTERM')
})

t.test('what must not come in does not: keys, sizes, contents, names', async (t) => {
  const folder = t.testdir({ 'text.fits': 'this is no FITS', 'empty.fits': '' })
  const store = join(folder, 'store')
  const served = await serve(store, '--set', 'server.largest upload=0.05')
  const good = makeProduct(join(folder, 'good.fits'), 'sb1', 18)
  const refused = async (path: string, options: object, status: number, error: RegExp) =>
    t.match(await send(served.url, join(folder, path), options), { status, json: { error } })
  await refused('good.fits', { key: '' }, 401, /no key/)
  await refused('good.fits', { key: `${KEY}x` }, 401, /a wrong key/)
  for (const name of ['../x.fits', '/etc/passwd', 'a\\b.fits', '.hidden', 'x\u0001.fits', 'n'.repeat(300)])
    await refused('good.fits', { name }, 400, /is no name of a file/)
  await refused('text.fits', {}, 415, /not a FITS/)
  await refused('empty.fits', {}, 422, /empty/)
  writeFileSync(join(folder, 'large.fits'), Buffer.alloc(80_000))
  await refused('large.fits', {}, 413, /larger/)
  writeFileSync(
    join(folder, 'flipped.fits'),
    readFileSync(good).map((byte, k) => (k === 11_600 ? byte ^ 1 : byte)),
  )
  await refused('flipped.fits', {}, 422, /not what its sums were made of|is not what|expected/)
  writeFileSync(join(folder, 'short.fits'), readFileSync(good).subarray(0, 9000))
  await refused('short.fits', {}, 422, /damaged FITS|expected/)
  makeProduct(join(folder, 'program.fits'), 'sb1', 18, { PROGRAM: 'Calibration' })
  await refused('program.fits', {}, 422, /program Calibration is none of/)
  makeProduct(join(folder, 'nameless.fits'), '', 18)
  await refused('nameless.fits', {}, 422, /BURST_ID has no value/)
  makeProduct(join(folder, 'stranger.fits'), 'sb1', 18, { CARD: 'LC_GFT_NONE' })
  await refused('stranger.fits', {}, 422, /no descriptor of LC_GFT_NONE/)
  await refused('good.fits', { field: 'file' }, 400, /in the field 'file', product is expected/)
  writeFileSync(join(folder, 'packed.fits'), gzipSync(readFileSync(good)))
  await refused('packed.fits', {}, 415, /not a FITS/)
  writeFileSync(join(folder, 'trailing.fits'), Buffer.concat([readFileSync(good), Buffer.alloc(2880, 65)]))
  await refused('trailing.fits', {}, 422, /2880 bytes follow the last HDU/)
  const two = new FormData()
  for (const name of ['a.fits', 'b.fits']) two.append('product', new Blob([readFileSync(good)]), name)
  const both = { method: 'POST', body: two, headers: { authorization: `Bearer ${KEY}` } }
  t.match(await getJson(new Request(`${served.url}/upload-product`, both) as never), { error: /more than one file/ })
  for (const card of ['../../x', 'a/b', '']) {
    writeFileSync(join(folder, 'card.json'), JSON.stringify({ ...descriptorJson(descriptorOf('LC_GFT_FGFT')), card }))
    await refused(
      'card.json',
      { route: '/import/v0/a_spjson', field: 'spjson' },
      422,
      /no name of a card|a text is expected/,
    )
  }
  t.equal(
    (
      await fetch(`${served.url}/import/v0/a_product`, {
        method: 'POST',
        body: 'x',
        headers: { authorization: `Bearer ${KEY}`, 'content-type': 'text/plain' },
      })
    ).status,
    400,
  )
  t.same(filesIn(store), [], 'nothing is stored')
  t.same(readdirSync(join(store, 'incoming')), [])
  t.equal(
    readFileSync(join(store, 'journal.csv'), 'utf8').trim().split('\n').length - 1,
    24,
    'each refusal is noted down',
  )
  await served.kill('SIGTERM')
})

/** Fifty at once, the service killed in between and begun again; the senders know what was acknowledged. */
async function storm(t: Test, folder: string, ...args: string[]): Promise<void> {
  const store = join(folder, 'store')
  const paths = Array.from({ length: 50 }, (_, k) =>
    makeProduct(join(folder, `p${k}.fits`), `sb${k % 10}`, 18 + k / 100),
  )
  const acknowledged = new Map<string, Sent>()
  for (let round = 0; round < 3; round++) {
    const served = await serve(store, ...args)
    const all = paths.map(async (path) => {
      const sent = await send(served.url, path)
      if (sent && sent.status < 300) acknowledged.set(path, sent)
      else if (sent) t.fail(`${sent.status} ${JSON.stringify(sent.json)}`)
    })
    if (round < 2) {
      await new Promise((resolve) => setTimeout(resolve, 150 + 250 * round))
      await served.kill('SIGKILL')
    }
    await Promise.all(all)
    if (round === 2) {
      const found = (await getJson(`${served.url}/search/result/products?a=11;5;4`)).rows as [string, string, number][]
      t.equal(acknowledged.size, 50, 'all are acknowledged in the end')
      t.same(found.map(([digest]) => digest).sort(), paths.map(sha256).sort(), 'each is there, once')
      for (let burst = 0; burst < 10; burst++)
        t.same(
          found
            .filter(([, id]) => id === `sb${burst}`)
            .map(([, , version]) => version)
            .sort(),
          [1, 2, 3, 4, 5],
        )
      for (const [path, { json }] of acknowledged) {
        const answer = await fetch(`${served.url}/export/v0/products/${json.id}/file`)
        t.equal(
          createHash('sha256')
            .update(Buffer.from(await answer.arrayBuffer()))
            .digest('hex'),
          sha256(path),
          'whole, under the number that was told',
        )
      }
      await served.kill('SIGTERM')
    }
  }
  t.same(readdirSync(join(store, 'incoming')), [])
}

t.test(
  'fifty uploads at once with kill -9 in between: acknowledged ones are there once, whole (embedded)',
  async (t) => {
    await storm(t, t.testdir())
  },
)

t.test('the same on a PostgreSQL server', { skip: noPostgres }, async (t) => {
  // In a folder that the server, who is nobody, can reach.
  const place = mkdtempSync(join(tmpdir(), 'nightpipe-postgres-'))
  const postgres = await startPostgres(join(place, 'pg'))
  t.teardown(() => {
    postgres.stop()
    rmSync(place, { recursive: true, force: true })
  })
  await storm(t, t.testdir(), '--set', `database.url=${postgres.url}`)
})

t.test('without keys nobody is served, and an open store is for this machine only', async (t) => {
  const run = (...args: string[]) => call('product-store', ['serve', '-r', join(t.testdir(), 's'), ...args])
  t.match(run(), { status: 2, stderr: /nobody could send/ })
  t.match(run('--set', 'access.open=yes', '--set', 'server.host=0.0.0.0'), {
    status: 2,
    stderr: /that others can reach/,
  })
  t.match(run('--set', 'keys.x=short'), { status: 2, stderr: /at least 16 characters/ })
})

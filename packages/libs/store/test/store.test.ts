import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { finish, node } from '@nightpipe/testing'
import t from 'tap'
import { openStore, type ProductFacts, type Store } from '../src/index.js'

const facts = (text: string, more: Partial<ProductFacts> = {}): ProductFacts => ({
  ...{
    card: 'DT',
    name: 'dt.fits',
    burstId: 'sb1',
    sender: 'gp1',
    unicity: 'sb1',
    dstream: 'GFT',
    keywords: { CARD: 'DT' },
  },
  ...{ sha256: createHash('sha256').update(text).digest('hex'), size: text.length, ...more },
})
function give(store: Store, text: string, more: Partial<ProductFacts> = {}) {
  const path = store.incoming()
  writeFileSync(path, text)
  return store.takeProduct(path, facts(text, more), '2026-03-01T00:00:00.000Z')
}

/** The same must hold on a server; its URL is that of an empty database. */
const server = process.env.NIGHTPIPE_POSTGRES
const places = (folder: string) => [
  { folder: join(folder, 'embedded') },
  ...(server ? [{ folder: join(folder, 'server'), database: server }] : []),
]

for (const [k, place] of places(t.testdir()).entries()) {
  t.test(`products are taken once, changed ones are new versions (${k === 0 ? 'embedded' : 'server'})`, async (t) => {
    const store = await openStore(place)
    t.match(await give(store, 'one'), { state: 'new', product: { version: 1, burstId: 'sb1' } })
    t.match(await give(store, 'one'), { state: 'unchanged', product: { version: 1 } })
    t.match(await give(store, 'two'), { state: 'version', product: { version: 2 } })
    t.match(await give(store, 'two', { unicity: 'sb2', burstId: 'sb2' }), { state: 'new', product: { version: 1 } })
    t.same(readdirSync(join(place.folder, 'incoming')), [])
    const found = await store.searchProducts([{ column: 'dstream', operator: 'eq', value: 'GFT' }])
    t.same(
      found.map(({ burst_id, version }) => [burst_id, version]),
      [
        ['sb1', 1],
        ['sb1', 2],
        ['sb2', 1],
      ],
    )
    const newer = await store.searchProducts([{ column: 'version', operator: 'ge', value: '2' }])
    t.equal(newer.length, 1)
    t.equal(readFileSync(store.fileOf(String(newer[0]!.sha256)), 'utf8'), 'two')
    await t.rejects(
      store.searchProducts([{ column: 'version', operator: 'ge', value: '1; drop table products' }]),
      /whole number/,
    )
    t.same(await store.searchProducts([{ column: 'name', operator: 'eq', value: "x' or '1'='1" }]), [])
    t.match(await store.product(Number(newer[0]!.id)), { version: 2, keywords: { CARD: 'DT' } })
    t.equal(await store.product(999), undefined)
    await store.close()
  })

  t.test(`fifty at once get fifty versions, each once (${k === 0 ? 'embedded' : 'server'})`, async (t) => {
    const store = await openStore(place)
    const all = await Promise.all(
      Array.from({ length: 50 }, (_, n) => give(store, `many ${n % 25}`, { unicity: 'many' })),
    )
    t.same(all.filter(({ state }) => state === 'unchanged').length, 25)
    t.same(
      all
        .filter(({ state }) => state !== 'unchanged')
        .map(({ product }) => product.version)
        .sort((a, b) => a - b),
      Array.from({ length: 25 }, (_, n) => n + 1),
    )
    await store.close()
  })
}

t.test('a database that is lost is made again from the folder', async (t) => {
  const folder = t.testdir()
  const store = await openStore({ folder })
  await give(store, 'one')
  await give(store, 'two')
  const card = {
    card: 'DT',
    name: 'DT',
    description: 'd',
    dstream: 'GFT',
    instrument: 'F',
    dpLevel: 'Q1',
    prdmVer: '1',
    programs: ['A'],
  }
  await store.putCard({ ...card, descriptor: { a: 1 }, sha256: 'x' })
  t.equal(await store.putCard({ ...card, descriptor: { a: 1 }, sha256: 'x' }), 'unchanged')
  t.equal(await store.putCard({ ...card, descriptor: { a: 2 }, sha256: 'y' }), 'changed')
  await store.close()
  rmSync(join(folder, 'database'), { recursive: true })
  const again = await openStore({ folder })
  t.same(
    (await again.searchProducts([])).map(({ version }) => version),
    [1, 2],
  )
  t.match(await again.card('DT'), { descriptor: { a: 2 }, programs: ['A'] })
  t.match(await give(again, 'two'), { state: 'unchanged', product: { version: 2 } })
  await again.close()
})

t.test('an embedded store is open in one process at a time', async (t) => {
  const folder = t.testdir()
  const store = await openStore({ folder })
  const index = new URL('../src/index.js', import.meta.url).pathname
  const other = finish(
    node(
      '--input-type=module',
      '-e',
      `import { openStore } from '${index}'; await openStore({ folder: '${folder}' }).catch((e) => console.log(e.message))`,
    ),
  )
  t.match(other.stdout, /is open in another process/)
  await store.close()
})

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeFits, openFits, readTable } from '@nightpipe/fits'
import t from 'tap'
import { cardOf, checkProduct, type Descriptor, parseDescriptor, productHdus } from '../src/index.js'

const folder = new URL('../../../../../configs/products/', import.meta.url).pathname
const load = (file: string) =>
  parseDescriptor(readFileSync(join(folder, file), 'utf8'), file, (name) => readFileSync(join(folder, name), 'utf8'))
const shipped = readdirSync(folder).filter((file) => /^[A-Z]+_GFT_/.test(file))
const check = (bytes: Uint8Array, descriptor: Descriptor) => checkProduct(openFits(bytes), descriptor)
const kinds = (bytes: Uint8Array, descriptor: Descriptor) =>
  check(bytes, descriptor).map(({ name, kind }) => `${name} ${kind}`)

t.test(
  'seven products of two telescopes are shipped, without a fault, and their templates are as they say',
  async (t) => {
    t.equal(shipped.length, 14)
    for (const file of shipped) {
      const { descriptor, faults } = load(file)
      t.same(faults, [], file)
      const bytes = encodeFits(productHdus(descriptor))
      t.same(check(bytes, descriptor), [], file)
      t.equal(cardOf(openFits(bytes)), file.replace('.tsv', ''))
    }
  },
)

const dt = load('DT_GFT_FGFT.tsv').descriptor

t.test('cells without a value are null in the file, and not 0', async (t) => {
  const bytes = encodeFits(
    productHdus(dt, { cards: { BURST_ID: 'sb1' }, rows: { DT_GFT_FGFT: [{ MAG: 18.5, FILTER: 'r' }, {}] } }),
  )
  const { columns } = readTable(openFits(bytes).hdus[1]!)
  const values = (name: string) => Array.from(columns.find((one) => one.name === name)!.values as ArrayLike<unknown>)
  t.same(values('MAG'), [18.5, Number.NaN])
  t.same(
    values('FILTER').map((text) => String(text).trim()),
    ['r', ''],
  )
  t.same(check(bytes, dt), [])
})

t.test('every way to differ from the descriptor is found', async (t) => {
  const cards = (content: object) =>
    encodeFits(productHdus(dt, { cards: content as never, rows: { DT_GFT_FGFT: [{ RA: 10 }] } }))
  t.same(kinds(cards({ ORIGIN: 'ESO' }), dt), ['ORIGIN range', 'ORIGIN range'])
  t.same(kinds(cards({ CANDNUMB: 1.5 }), dt), ['CANDNUMB type', 'CANDNUMB type'])
  const other = (change: (d: Descriptor) => Descriptor) => {
    const clone = structuredClone(dt)
    return kinds(encodeFits(productHdus(change(clone), { cards: {}, rows: { DT_GFT_FGFT: [{ RA: 400 }] } })), dt)
  }
  t.same(
    other((d) => d),
    ['RA range'],
  )
  t.same(
    other((d) => ({ ...d, entries: d.entries.filter(({ name }) => name !== 'IMAGEID') })),
    ['RA range', 'IMAGEID missing'],
  )
  t.same(
    other((d) => ({
      ...d,
      entries: d.entries.filter(({ name, extension }) => name !== 'BURST_ID' || extension !== 'PrimaryHDU'),
    })),
    ['BURST_ID missing', 'RA range'],
  )
  t.same(
    other((d) => ({ ...d, entries: d.entries.map((one) => (one.name === 'DELTAT' ? { ...one, unit: 'min' } : one)) })),
    ['DELTAT unit', 'RA range'],
  )
  t.same(
    other((d) => ({
      ...d,
      entries: d.entries.map((one) =>
        one.name === 'MAG' ? { ...one, dataType: 'double' as const, format: '1D' } : one,
      ),
    })),
    ['RA range', 'MAG type'],
  )
  t.same(
    other((d) => ({ ...d, entries: [...d.entries, { ...d.entries[1]!, name: 'EXTRA' }] })),
    ['EXTRA extra', 'RA range'],
  )
  t.same(kinds(encodeFits(productHdus(dt).slice(0, 1)), dt), [' missing'])
  t.same(
    kinds(
      encodeFits([...productHdus(dt), { kind: 'image', name: 'MORE', bitpix: 8, axes: [1], pixels: Uint8Array.of(1) }]),
      dt,
    ),
    [' extra'],
  )
})

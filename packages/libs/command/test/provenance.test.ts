import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { createHeader, imageHdu, type NewHdu, openFits, readPixels, textOf, writeFits } from '@nightpipe/fits'
import { scratch } from '@nightpipe/testing'
import t from 'tap'
import { takeNews } from '../src/digest.js'
import { digestTablePath, loadDigests, saveDigests } from '../src/digest-table.js'
import {
  type Context,
  digestOf,
  isCurrent,
  type Parent,
  readProvenance,
  requireWholeAndDigest,
  startProduct,
  watchWholeAndDigest,
  writeProduct,
} from '../src/index.js'
import { makeFrames } from './toy/night.js'

const context: Context = {
  command: 'stacking',
  version: '1.2.3',
  configText: '[combine]\nclip = 3\nnote = "été: 5 µm \\\\ here"   \n\nobject = Åsgård 🌟\n',
  configDigest: '0123456789abcdef0123456789abcdef',
}
const image = (): NewHdu => ({
  ...{ kind: 'image', bitpix: -32, axes: [4, 3], pixels: Float32Array.from({ length: 12 }, (_, k) => k / 7) },
  header: createHeader([['BUNIT', 'adu', 'unit of the pixels']]),
})
const idOf = (path: string) => readProvenance(path).id

t.test('a product tells command, version, configuration and parents', (t) => {
  const folder = scratch()
  const [b, a] = makeFrames(folder, ['b', 'a']) as [string, string]
  const product = writeProduct(join(folder, 'p.fits'), [image()], context, [
    { path: b, role: 'frame', given: true },
    { path: a, role: 'frame', given: true },
  ])
  const next = writeProduct(join(folder, 'q.fits'), [image()], context, [{ path: product, role: 'reference' }])
  const told = readProvenance(product)
  t.match(told, { command: 'stacking', version: '1.2.3', configDigest: context.configDigest })
  t.equal(told.configText, context.configText, 'to the letter, whatever the letters are')
  t.same(
    told.parents.map(({ file, role, kind, given }) => [file, role, kind, given]),
    [
      ['a.fits', 'frame', 'sha256', true],
      ['b.fits', 'frame', 'sha256', true],
    ],
  )
  t.match(told.parents[0]!.id, /^[0-9a-f]{64}$/)
  t.same(readProvenance(next).parents, [
    { file: 'p.fits', role: 'reference', kind: 'np_id', id: told.id, given: false },
  ])
  t.equal(digestOf(product), told.id)
  t.equal(textOf(openFits(product).hdus[0]!.header, 'BUNIT'), 'adu', 'the cards of the caller are there')
  t.end()
})

t.test('the identity follows parents, roles, configuration, command, version and name, and nothing else', (t) => {
  const folder = scratch()
  const [a, b] = makeFrames(folder, ['a', 'b']) as [string, string]
  const parents = (roles = ['frame', 'bias'], files = [a, b]): Parent[] =>
    files.map((path, k) => ({ path, role: roles[k]! }))
  const id = (of = parents(), how: Partial<Context> = {}, name = 'p.fits') =>
    idOf(writeProduct(join(folder, name), [image()], { ...context, ...how }, of))
  const same = id()
  t.equal(id(parents().toReversed()), same, 'order')
  mkdirSync(join(folder, 'moved'))
  copyFileSync(a, join(folder, 'moved/renamed.fits'))
  t.equal(id(parents(['frame', 'bias'], [join(folder, 'moved/renamed.fits'), b])), same, 'folder and name of a parent')
  t.not(id(parents(['bias', 'frame'])), same, 'roles')
  t.not(id(parents(['frame'], [a])), same, 'a parent less')
  for (const how of [{ command: 'x' }, { version: '1.2.4' }, { configDigest: 'f'.repeat(32) }])
    t.not(id(parents(), how), same)
  t.not(id(parents(), {}, 'other.fits'), same, 'the second product of a job')
  writeFileSync(b, Buffer.concat([readFileSync(b), Buffer.alloc(2880)]))
  t.not(id(), same, 'the content of a parent, changed since it was digested')
  t.end()
})

t.test('isCurrent: what would be made is there', (t) => {
  const folder = scratch()
  const [a] = makeFrames(folder, ['a']) as [string]
  const job = { products: [join(folder, 'p.fits')], parents: [{ path: a, role: 'frame' }] }
  t.notOk(isCurrent(job, context), 'nothing there yet')
  writeProduct(job.products[0]!, [image()], context, job.parents)
  t.ok(isCurrent(job, context))
  t.notOk(
    isCurrent({ ...job, products: [...job.products, join(folder, 'plot.png')] }, context),
    'a second one is missing',
  )
  writeFileSync(join(folder, 'plot.png'), '')
  t.ok(isCurrent({ ...job, products: [...job.products, join(folder, 'plot.png')] }, context))
  t.notOk(isCurrent({ ...job, products: [join(folder, 'plot.png')] }, context), 'nothing tells what the plot is of')
  t.notOk(isCurrent(job, { ...context, version: '2' }))
  t.notOk(isCurrent({ ...job, parents: [] }, context))
  t.notOk(isCurrent({ ...job, products: [a] }, context), 'a frame of somebody else')
  writeFileSync(job.products[0]!, readFileSync(job.products[0]!).subarray(0, 3000))
  t.notOk(isCurrent(job, context), 'damaged')
  t.end()
})

t.test('written whole or by strips, a product has the same bytes, compressed or not', (t) => {
  const folder = scratch()
  const [a] = makeFrames(folder, ['a']) as [string]
  const parents = [{ path: a, role: 'frame' }]
  for (const compress of [undefined, { type: 'GZIP_2' }] as const) {
    const how = compress ? { ...context, compress } : context
    const { pixels, ...bare } = image() as Extract<NewHdu, { kind: 'image' }>
    const whole = writeProduct(join(folder, 'p.fits'), [image()], how, parents)
    const bytes = readFileSync(whole)
    const { writer, finish } = startProduct(join(folder, 'p.fits'), [bare], how)
    writer.writeRows(0, 1, pixels!.subarray(4))
    writer.writeRows(0, 0, pixels!.subarray(0, 4))
    t.equal(finish(parents), whole)
    t.ok(bytes.equals(readFileSync(whole)))
    t.same(readPixels(imageHdu(openFits(whole))), pixels)
    t.equal(readProvenance(whole).configText, context.configText)
  }
  t.end()
})

t.test('a file that is not ours says so', (t) => {
  const folder = scratch()
  const [a] = makeFrames(folder, ['a']) as [string]
  t.throws(() => readProvenance(a), { message: `${a} is not a product of nightpipe` })
  t.equal(digestOf(a).length, 64)
  t.throws(() => digestOf(join(folder, 'gone.fits')), { message: /cannot read .*gone\.fits: no such file/ })
  t.end()
})

t.test('digests of raw frames are kept while the files are not touched', async (t) => {
  const folder = scratch()
  const [a, b] = makeFrames(folder, ['a', 'b']) as [string, string]
  const table = digestTablePath(folder, 'toy')
  const truth = digestOf(a)
  await saveDigests(table, folder, 1e6)
  t.notOk(existsSync(table), 'too little to matter')
  digestOf(b)
  await saveDigests(table, folder, 1)
  const text = readFileSync(table, 'utf8')
  t.match(text, new RegExp(`^a\\.fits,\\d+,${truth},`, 'm'), 'as sha256sum gives it')
  writeFileSync(table, text.replaceAll(truth, 'f'.repeat(64)))
  loadDigests(table, folder)
  t.equal(digestOf(a), 'f'.repeat(64), 'believed')
  writeFileSync(a, readFileSync(a))
  t.equal(digestOf(a), truth, 'until the file is touched')
})

const fitsverify = (() => {
  try {
    return execFileSync('which', ['fitsverify'], { encoding: 'utf8' }).trim()
  } catch {
    return ''
  }
})()
t.test('fitsverify finds nothing to say', { skip: fitsverify ? false : 'fitsverify is not installed' }, (t) => {
  const folder = scratch()
  const [a] = makeFrames(folder, ['a']) as [string]
  const some = [{ path: a, role: 'frame' }]
  const products = [
    writeProduct(join(folder, 'p.fits'), [image()], context, some),
    writeProduct(join(folder, 'c.fits'), [image()], { ...context, compress: { type: 'GZIP_2' } }, some),
    writeProduct(join(folder, 'empty.fits'), [image()], { ...context, configText: '' }, []),
  ]
  for (const path of products) t.match(execFileSync(fitsverify, ['-q', path], { encoding: 'utf8' }), /^verification OK/)
  t.end()
})

t.test('one reading tells whether a raw frame is whole, and its digest', (t) => {
  const folder = scratch()
  const pixels = Int16Array.from({ length: 300_000 }, (_, k) => k % 1000)
  const path = join(folder, 'raw.fits')
  writeFits(path, [{ kind: 'image', bitpix: 16, axes: [600, 500], pixels }, image()])
  const zipped = join(folder, 'raw.fits.gz')
  const damaged = join(folder, 'damaged.fits')
  const bytes = readFileSync(path)
  writeFileSync(zipped, gzipSync(bytes))
  bytes[bytes.length - 20_000] ^= 1
  writeFileSync(damaged, bytes)
  const sum = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex')
  takeNews()
  const look = (file: string) => requireWholeAndDigest(file, imageHdu(openFits(file)))
  t.equal(look(path), true)
  t.match(takeNews(), [[path, { bytes: bytes.length, digest: { id: sum(path), kind: 'sha256' } }]])
  t.equal(look(path), true)
  t.same(takeNews(), [], 'it is known by now')
  const copy = join(folder, 'copy.fits')
  copyFileSync(path, copy)
  const hdu = imageHdu(openFits(copy))
  const twin = join(folder, 'twin.fits')
  copyFileSync(path, twin)
  const watch = watchWholeAndDigest(copy, hdu)
  for (const firstRow of [0, 100, 399]) readPixels(hdu, { firstRow, rows: firstRow ? 1 : 100, onlooker: watch.see })
  t.equal(watch.end(), false, 'rows that were left out are missed')
  t.equal(look(copy), true)
  const again = watchWholeAndDigest(twin, imageHdu(openFits(twin)))
  for (const firstRow of [0, 33, 66]) readPixels(hdu, { firstRow, rows: 33, onlooker: again.see })
  t.equal(again.end(), true)
  t.equal(digestOf(twin), sum(path))
  t.equal(look(damaged), false)
  t.equal(digestOf(damaged), sum(damaged))
  t.equal(look(zipped), true)
  t.equal(digestOf(zipped), sum(zipped), 'of the file as it is, not of what is in it')
  t.end()
})

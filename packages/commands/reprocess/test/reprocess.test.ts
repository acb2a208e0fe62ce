import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, cpSync, existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openFits, textOf, verifySums } from '@nightpipe/fits'
import { parseCsv } from '@nightpipe/table'
import t from 'tap'
import { BURST, inStore, publishFirst, reportOf, run, serve, simulateField, start, writePipeline } from './field.js'

const field = t.testdir()
simulateField(field)
const at = (...parts: string[]) => join(field, ...parts)
const store = await serve(at('store'))
t.teardown(() => store.stop())
publishFirst(field, store.url)
const changed = writePipeline(at('cfg2'), field, 1)
const asked = ['--burst', BURST, '--store', store.url, '--pipeline', changed]
const records = (path: string) => {
  const [head, ...rows] = parseCsv(readFileSync(path, 'utf8'), path)
  return rows.map(({ cells }) => Object.fromEntries(head!.cells.map((name, k) => [name, cells[k] ?? ''])))
}
const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

await t.test(
  'the report: old and new products, what differs, pictures of the earlier and the new images, a page',
  async (t) => {
    const { status, stdout, stderr } = run('reprocess', ...asked, '-s', at('first'), '-r', at('again'))
    t.equal(status, 0, stderr)
    t.match(stderr, /7 products of sb24031201 in the store; the new ones will be version 2/)
    t.ok(stdout.includes(at('again/index.html')))
    const rows = records(at('again/differences.csv'))
    const mags = rows.filter(({ product, quantity }) => product === 'LC' && quantity === 'MAG')
    t.ok(mags.length >= 4, 'it was seen in most of six frames')
    t.ok(mags.some(({ state }) => state === 'changed'))
    for (const { old, new: fresh, difference } of mags.filter(({ state }) => state === 'changed'))
      t.ok(Math.abs(Number(fresh) - Number(old) - Number(difference)) < 1e-6 && Math.abs(Number(difference)) < 0.1)
    t.ok(
      rows.filter(({ quantity }) => quantity === 'TSTART').every(({ state }) => state === 'same'),
      'times stay',
    )
    t.equal(rows.length, JSON.parse(readFileSync(at('again/differences.json'), 'utf8')).length)
    const page = readFileSync(at('again/index.html'), 'utf8')
    t.match(page, /photometry<\/td><td>aperture\.radius<\/td><td>1\.5<\/td><td>1</, 'the key that was changed')
    const shown = [...page.matchAll(/<img src="([^"]+)"/g)].map(([, path]) => path!)
    t.ok(shown.filter((path) => path.endsWith('_blink.png')).length >= 3, 'two stacks and a candidate')
    for (const path of shown) t.ok(existsSync(at('again', path)), path)
    for (const [path, bytes] of reportOf(at('again')))
      if (path.endsWith('_blink.png')) t.ok(Buffer.from(bytes, 'base64').includes('acTL'), `${path} moves`)
  },
)

await t.test('nothing was sent; a second call makes nothing anew', async (t) => {
  t.equal((await inStore(store.url, 'id')).length, 7)
  const before = reportOf(at('again'))
  const product = at('again/new', [...before.keys()].find((path) => path.startsWith('new/LC'))!.slice(4))
  const touched = statSync(product).mtimeMs
  t.equal(run('reprocess', ...asked, '-s', at('first'), '-r', at('again')).status, 0)
  t.same([...reportOf(at('again'))], [...before])
  t.equal(statSync(product).mtimeMs, touched)
  t.match(
    readFileSync(at('again/work/runs.csv'), 'utf8').trim().split('\n').at(-1),
    /,0,\d+,0,0$/,
    'all steps are kept',
  )
})

await t.test(
  'killed at any moment and called again, it makes the same report; an orphaned pipeline is waited for',
  async (t) => {
    for (const wait of [700, 1500, 3500, 6000]) {
      const child = start('reprocess', ...asked, '-s', at('first'), '-r', at('killed'))
      await sleep(wait)
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
    }
    const { status, stderr } = run('reprocess', ...asked, '-s', at('first'), '-r', at('killed'))
    t.equal(status, 0, stderr)
    const [one, other] = [reportOf(at('again')), reportOf(at('killed'))]
    t.same([...other.keys()], [...one.keys()])
    for (const [path, bytes] of one) t.ok(other.get(path) === bytes, path)
  },
)

await t.test(
  'a report that is not what it was is not published: an edited product, page, table, or a file too much',
  async (t) => {
    const cases: [string, (folder: string) => void, RegExp][] = [
      ['page', (folder) => appendFileSync(join(folder, 'index.html'), ' '), /index\.html has changed/],
      ['table', (folder) => writeFileSync(join(folder, 'differences.csv'), ''), /differences\.csv has changed/],
      ['extra', (folder) => cpSync(at('raw/bias-0001.fits'), join(folder, 'new/more.fits')), /new\/more\.fits is new/],
      ['gone', (folder) => rmSync(join(folder, 'old'), { recursive: true }), /old\/DT_GFT_FGFT\.fits is gone/],
    ]
    for (const [name, harm, said] of cases) {
      cpSync(at('again'), at(name), { recursive: true })
      harm(at(name))
      const { status, stderr, stdout } = run('reprocess', '--approve', at(name))
      t.equal(status, 4, name)
      t.match(stderr, said)
      t.equal(stdout, '')
    }
    t.equal(run('reprocess', '--approve', at('raw')).status, 3, 'no report at all')
    t.equal((await inStore(store.url, 'id')).length, 7)
  },
)

await t.test(
  'a wrong key publishes nothing; the right one does so once, with version and what is replaced',
  async (t) => {
    writeFileSync(at('wrong'), 'a-key-that-nobody-has\n')
    t.not(run('reprocess', '--approve', at('again'), '--key-file', at('wrong')).status, 0)
    t.equal((await inStore(store.url, 'id')).length, 7)
    rmSync(at('again/outbox'), { recursive: true })
    for (let k = 0; k < 2; k++) {
      const { status, stderr, stdout } = run('reprocess', '--approve', at('again'))
      t.equal(status, 0, stderr)
      t.equal(stdout.trim().split('\n').length, 7)
    }
    const rows = (await inStore(store.url, 'card;version;sha256;name')) as [string, number, string, string][]
    t.equal(rows.length, 14)
    for (const { card, file, version, sha256: digest } of records(at('again/published.csv'))) {
      t.equal(version, '2')
      t.equal(sha256(at('again', file!)), digest)
      const [old, fresh] = [1, 2].map((n) => rows.find((row) => row[0] === card && row[1] === n)!)
      t.equal(fresh![2], digest)
      const product = openFits(at('again', file!))
      const { header } = product.hdus[0]!
      t.equal(textOf(header, 'NP_REPL'), old![2])
      t.equal(header.cards.find(({ keyword }) => keyword === 'MY_VERS')!.value, 2)
      t.match(String(header.cards.find(({ keyword }) => keyword === 'HISTORY')!.value), /replaces version 1/)
      t.ok(verifySums(product).every(({ checksum }) => checksum === 'right'))
      product.close()
    }
    const again = run('reprocess', ...asked, '-s', at('first'), '-r', at('again'))
    t.equal(again.status, 3)
    t.match(again.stderr, /was approved and published \(choose another --output/)
  },
)

await t.test('a report that the store has overtaken is refused; made again it compares with the newest', async (t) => {
  const early = at('early')
  cpSync(at('killed'), early, { recursive: true })
  writePipeline(changed, field, 1.25)
  // The same report, approved twice: the second finds its own products, and is content.
  t.equal(run('reprocess', '--approve', at('killed')).status, 0)
  t.equal((await inStore(store.url, 'id')).length, 14)
  t.equal(run('reprocess', ...asked, '-s', at('first'), '-r', at('third')).status, 0)
  t.match([...reportOf(at('third')).keys()].join(' '), /LC_GFT_FGFT_sb24031201_v3\.fits/)
  cpSync(at('third'), at('late'), { recursive: true })
  t.equal(run('reprocess', '--approve', at('third')).status, 0)
  rmSync(join(early, 'outbox'), { recursive: true, force: true })
  const { status, stderr } = run('reprocess', '--approve', early)
  t.equal(status, 4)
  t.match(stderr, /LC_GFT_FGFT: the store has version 3, the report compares with 1/)
  t.equal((await inStore(store.url, 'id')).length, 21)
})

await t.test('an earlier pipeline is run again for its images: the report is that of its output', async (t) => {
  const both = ['--before', at('first'), '--before-pipeline', at('cfg1')]
  t.match(run('reprocess', ...asked, '-s', at('raw'), '-r', at('x'), ...both), {
    status: 2,
    stderr: /give one of them/,
  })
  const args = [...asked, '-s', at('raw'), '-r', at('rerun'), '--before-pipeline', at('cfg1')]
  const child = start('reprocess', ...args)
  await sleep(2500)
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
  const { status, stderr } = run('reprocess', ...args)
  t.equal(status, 0, stderr)
  t.equal(readFileSync(at('rerun/before/steps.csv'), 'utf8').includes('failed'), false)
  const [one, other] = [reportOf(at('again')), reportOf(at('rerun'))]
  for (const [path, bytes] of one)
    if (path.startsWith('pictures/')) t.ok(other.get(path) === bytes, `${path}: as with the output of the earlier one`)
  t.ok([...other.keys()].some((path) => path.endsWith('_blink.png')))
})

await t.test('where the raw frames are gone, the reduced ones of the earlier pipeline serve', async (t) => {
  renameSync(at('raw'), at('archive'))
  const { status, stderr } = run('reprocess', ...asked, '-s', at('first'), '-r', at('reduced'))
  renameSync(at('archive'), at('raw'))
  t.equal(status, 0, stderr)
  t.notOk(readFileSync(at('reduced/work/steps.csv'), 'utf8').includes('reduction,done'))
  const mags = (folder: string) =>
    records(at(folder, 'differences.csv')).filter(({ product, quantity }) => product === 'LC' && quantity === 'MAG')
  t.same(
    mags('reduced').map((row) => row.new),
    mags('third').map((row) => row.new),
    'the magnitudes of the same pipeline on the raw frames',
  )
})

await t.test('what is asked for wrongly is told in one line, and nothing is touched', async (t) => {
  const wrong: [string[], number, RegExp][] = [
    [['--store', store.url, '--pipeline', changed, '-s', at('raw')], 2, /no burst is named \(give --burst ID\)/],
    [['--burst', BURST, '--pipeline', changed, '-s', at('raw')], 2, /no store is named \(give --store URL\)/],
    [['--burst', BURST, '--store', store.url, '-s', at('raw')], 2, /no pipeline is named/],
    [[...asked], 2, /no frames/],
    [
      ['--burst', 'sb1', '--store', store.url, '--pipeline', changed, '-s', at('raw')],
      3,
      /has no products of burst sb1/,
    ],
    [[...asked, '--observation', '7', '-s', at('raw')], 3, /has the observations 1 \(choose one by --observation\)/],
    [['--burst', BURST, '--store', 'http://127.0.0.1:1', '--pipeline', changed, '-s', at('raw')], 3, /cannot reach/],
    [[...asked, '--before', at('raw'), '-s', at('raw')], 2, /is no output of a pipeline/],
    [[...asked.slice(0, -1), at('nowhere'), '-s', at('raw')], 3, /no such folder/],
  ]
  for (const [args, code, said] of wrong) {
    const { status, stderr } = run('reprocess', ...args, '-r', at('wrongly'))
    t.equal(status, code, args.join(' '))
    t.match(stderr, said)
  }
  const dry = run('reprocess', ...asked, '-s', at('raw'), '-r', at('dry'), '--dry-run')
  t.match(dry.stdout, /^pipeline --config \S+cfg2 --input @\S+ --output \S+dry\/work/)
  t.notOk(existsSync(at('dry')))
})

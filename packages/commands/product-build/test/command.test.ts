import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { column, createHeader, openFits, readTable, textOf, writeFits } from '@nightpipe/fits'
import { call, finish, lacking, outside } from '@nightpipe/testing'
import t from 'tap'

const run = (...args: string[]) => call('product-build', args)
const shipped = fileURLToPath(new URL('../../../../../configs/products/', import.meta.url))

const OBSERVATIONS = [
  'ra_deg,dec_deg,filter,start_mjd,end_mjd,exposure_s,detected,mag,mag_error,snr,upper_limit_mag,image',
  '51.72917,46.65,r,59000.001,59000.0013472,30,true,18.1,0.05,20,,img1.fits',
  '51.72917,46.65,r,59000.002,59000.0023472,30,true,18.9,0.06,17,,img2.fits',
  '51.72917,46.65,z,59000.002,59000.0023472,30,false,,,,20.1,img3.fits',
].join('\n')

t.test('a folder of descriptors becomes JSON, templates, and they are as they should be', async (t) => {
  const folder = t.testdir()
  const described = run('describe', '-s', shipped, '-r', join(folder, 'json'))
  t.equal(described.status, 0, described.stderr)
  t.equal(described.stdout.trim().split('\n').length, 15, 'seven products of two telescopes, and a set of metadata')
  t.match(JSON.parse(readFileSync(join(folder, 'json/sdb_upload_L1keysGFTMETA.json'), 'utf8')), [
    { name: 'ORIGIN', default_value: 'FSC' },
  ])
  const made = run('template', '-s', join(folder, 'json/QTI_GFT_FGFT.json'), '-r', join(folder, 'fits'))
  t.equal(made.status, 0, made.stderr)
  t.equal(run('check', '-s', join(folder, 'fits/QTI_GFT_FGFT.fits')).status, 0)
})

t.test('every fault of a descriptor is told with its line, and no JSON is made of it', async (t) => {
  const text = readFileSync(join(shipped, 'DT_GFT_FGFT.tsv'), 'utf8').split('\n')
  text[13] = text[13]!.replace('CARD', 'PRODUCTCARD')
  text.splice(15, 0, text[14]!)
  const folder = t.testdir({ 'bad.tsv': text.join('\n') })
  const { status, stdout, stderr } = run('describe', '-s', join(folder, 'bad.tsv'), '-r', join(folder, 'out'))
  t.equal(status, 3)
  t.equal(stdout, '')
  t.match(stderr, /bad.tsv:14: PRODUCTCARD Is not header/)
  t.match(stderr, /bad.tsv:16: key INSTRUME already exist in PrimaryHDU, from line 15/)
})

t.test('products of observations are filled, with nulls, and again they are up to date', async (t) => {
  const folder = t.testdir({
    'observations.csv': OBSERVATIONS,
    'trigger.dat': '[Trigger]\nburst_id = sb20053101\n[Time]\nt0_mjd = 59000.0\n',
  })
  const args = [
    'fill',
    '-s',
    join(folder, 'observations.csv'),
    '-r',
    join(folder, 'out'),
    '--trigger',
    join(folder, 'trigger.dat'),
  ]
  const filled = run(...args, '--set', 'observation.filters=g,r,z')
  t.equal(filled.status, 0, filled.stderr)
  t.equal(filled.stdout.trim().split('\n').length, 7)
  const path = (kind: string) => join(folder, `out/${kind}_GFT_FGFT_sb20053101.fits`)
  const dt = openFits(path('DT'))
  t.equal(textOf(dt.hdus[0]!.header, 'BURST_ID'), 'sb20053101')
  const table = readTable(dt.hdus[1]!)
  t.equal(table.rows, 3)
  const [none, first] = column(table, 'DELTAT')!.values as Float64Array
  t.ok(Number.isNaN(none!) && Math.abs(first! - 86.4) < 1e-5)
  t.match(run(...args, '--set', 'observation.filters=g,r,z').stderr, /7 jobs were up to date/)
  for (const kind of ['DT', 'PO', 'QF', 'QLC', 'LC', 'QTI', 'META'])
    t.equal(run('check', '-s', path(kind)).status, 0, kind)
})

t.test('the position of a candidate is that of its smallest error, not of its last row', async (t) => {
  const head = 'candidate,ra_deg,dec_deg,position_error_arcsec,source,filter,start_mjd,detected'
  const rows = ['a,10,20,,,r,59001,true', 'a,10.1,20.1,0.5,,r,59002,true', 'a,10.2,20.2,0.2,Gaia 7,r,59003,true']
  const folder = t.testdir({
    'observations.csv': [head, ...rows, 'a,,,,,r,59004,false', 'a,11,21,,,r,59005,false'].join('\n'),
  })
  const filled = run(
    'fill',
    '-s',
    join(folder, 'observations.csv'),
    '-r',
    join(folder, 'out'),
    '--kind',
    'PO',
    '--t0',
    '59000',
  )
  t.equal(filled.status, 0, filled.stderr)
  const table = readTable(openFits(join(folder, 'out/PO_GFT_FGFT.fits')).hdus[1]!)
  t.equal(table.rows, 1)
  t.same([...(column(table, 'RA')!.values as Float64Array)], [10.2])
  t.same(
    [...(column(table, 'ER_PO')!.values as Float32Array)].map((value) => value.toFixed(3)),
    ['0.200'],
  )
  t.match(String((column(table, 'SOURCEID')!.values as string[])[0]), /Gaia 7/)
})

t.test('a finding chart is made of the frame that shows a candidate, and of none where none does', async (t) => {
  const folder = t.testdir({ 'observations.csv': OBSERVATIONS })
  const frame = (name: string, ra: number) =>
    writeFits(join(folder, name), [
      {
        ...{ kind: 'image', bitpix: -32, axes: [60, 60], pixels: Float32Array.from({ length: 3600 }, (_, k) => k % 7) },
        header: createHeader([
          ...([
            ['CTYPE1', 'RA---TAN'],
            ['CTYPE2', 'DEC--TAN'],
            ['CRVAL1', ra],
            ['CRVAL2', 46.65],
          ] as const),
          ...([
            ['CRPIX1', 30],
            ['CRPIX2', 30],
            ['CD1_1', -3e-4],
            ['CD2_2', 3e-4],
            ['CD1_2', 0],
            ['CD2_1', 0],
          ] as const),
          ...([
            ['DATE-OBS', '2020-05-31T00:01:26'],
            ['EXPTIME', 30],
          ] as const),
        ]),
      },
    ])
  frame('aside.fits', 80)
  const fill = (...inputs: string[]) =>
    run('fill', '-s', ...inputs.map((name) => join(folder, name)), '-r', join(folder, 'out'), '--kind', 'PO')
  const bare = fill('observations.csv', 'aside.fits')
  t.equal(bare.status, 0, bare.stderr)
  t.notOk(existsSync(join(folder, 'out/PO_GFT_FGFT.png')), 'no candidate is on the frame')
  t.match(fill('observations.csv', 'aside.fits').stderr, /up to date/, 'what is not to be made is not missed')
  frame('img1.fits', 51.72917)
  const charted = fill('observations.csv', 'aside.fits', 'img1.fits')
  t.equal(charted.status, 0, charted.stderr)
  t.ok(existsSync(join(folder, 'out/PO_GFT_FGFT.png')))
  t.match(fill('observations.csv', 'aside.fits', 'img1.fits').stderr, /up to date/)
})

t.test('filled products pass fitsverify', { skip: lacking('fitsverify') }, async (t) => {
  const folder = t.testdir({ 'observations.csv': OBSERVATIONS })
  run('fill', '-s', join(folder, 'observations.csv'), '-r', join(folder, 'out'), '--t0', '59000')
  for (const kind of ['DT', 'PO', 'QF', 'QLC', 'LC', 'QTI', 'META'])
    t.match(finish(outside('fitsverify', '-q', join(folder, `out/${kind}_GFT_FGFT.fits`))).stdout, /^verification OK/)
})

t.test('a product that is not as its descriptor says ends in exit code 4, each difference told', async (t) => {
  const folder = t.testdir({ 'observations.csv': OBSERVATIONS })
  run('fill', '-s', join(folder, 'observations.csv'), '-r', join(folder, 'out'), '--t0', '59000', '--kind', 'PO')
  const good = openFits(join(folder, 'out/PO_GFT_FGFT.fits'))
  writeFits(join(folder, 'bad.fits'), [{ kind: 'empty', header: good.hdus[0]!.header }])
  const { status, stdout } = run('check', '-s', join(folder, 'bad.fits'))
  t.equal(status, 4)
  t.match(stdout, /1 difference from PO_GFT_FGFT/)
})

t.test('a product of an unknown kind and a table that is none are refused in one line', async (t) => {
  const folder = t.testdir({ 'observations.csv': OBSERVATIONS, 'other.csv': 'a,b\n1,2\n' })
  const bad = run('fill', '-s', join(folder, 'other.csv'), '-r', join(folder, 'out'))
  t.equal(bad.status, 3)
  t.match(bad.stderr, /no table of results among the inputs/)
})

t.test('a file that is no text is told of, and stops no other', async (t) => {
  const folder = t.testdir({ in: { 'good.tsv': readFileSync(join(shipped, 'DT_GFT_FGFT.tsv')), 'odd.tsv': '' } })
  writeFileSync(join(folder, 'in/odd.tsv'), Buffer.from('CARD\tcard\tT\xe9l\xe9\n', 'latin1'))
  const { status, stdout, stderr } = run('describe', '-s', join(folder, 'in'), '-r', join(folder, 'out'))
  t.equal(status, 5)
  t.match(stdout, /good\.json\n$/)
  t.match(stderr, /odd\.tsv is not UTF-8/)
})

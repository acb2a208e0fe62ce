import { writeFileSync } from 'node:fs'
import t from 'tap'
import {
  choice,
  commonSchema,
  describeSchema,
  flag,
  freeSection,
  integer,
  list,
  loadConfig,
  number,
  numbers,
  path,
  sampleIni,
  section,
  text,
  withCommon,
} from '../src/index.js'

const schema = withCommon({
  combine: {
    clip: number(3, 'reject samples further than this from the median', { unit: 'sigma', min: 0 }),
    minimum: integer(3, 'refuse to stack fewer frames than this', { min: 2 }),
    method: choice('median', ['median', 'mean'], 'how frames are combined'),
    cosmics: flag(true, 'whether cosmic rays are rejected'),
    steps: numbers([0.1, 1e-7, 12345.678], 'steps'),
    flat: path('', 'the master flat'),
    title: text(
      'plain',
      'a title with a meaning so long that it has to be wrapped over more than one line of a comment, which it is here',
    ),
    level: number(undefined, 'level, if any', { optional: true }),
    words: list(['a', 'b'], 'words'),
  },
  limits: section('limits of a master', { high: number(2, 'highest mean', { unit: 'ADU' }) }, { pattern: true }),
  bands: freeSection('zero point of each band', number(undefined, 'zero point', { unit: 'mag' })),
  extra: section('only where wanted', { x: number(1, 'x') }, { optional: true }),
})

t.test('what is printed reads back to the same values and prints the same again', async (t) => {
  const folder = t.testdir({
    'night.ini': `[combine]
flat = /data/with # hash.fits
`.replace('/data/with # hash.fits', '"/data/with # hash.fits"'),
  })
  const set = [
    'combine.title= a \\ "b"; c\t',
    "combine.words=x y, it's",
    'limits.dark.C1.high=7.5',
    'bands.r_prime=24.5',
    'extra.x=3',
    'output.compress=yes',
  ]
  const first = loadConfig(schema, { file: `${folder}/night.ini`, set })
  writeFileSync(`${folder}/again.ini`, first.print())
  const again = loadConfig(schema, { file: `${folder}/again.ini` })
  t.same(again.values, first.values)
  t.equal(again.canonical(), first.canonical())
  const withoutOrigins = (printed: string) => printed.split('\n').filter((line) => !/^# (from |default$)/.test(line))
  t.same(withoutOrigins(again.print()), withoutOrigins(first.print()))
  t.equal(first.values.output.compress, 'RICE_1')
  t.same(first.values.bands, { r_prime: 24.5 })
  t.same(first.values.extra, { x: 3 })
})

t.test('each printed value says its meaning, unit and origin', async (t) => {
  const file = `${t.testdir({ 'night.ini': '[combine]\nclip = 4\n' })}/night.ini`
  const printed = loadConfig(schema, { file, set: ['combine.minimum=5'] }).print()
  const meaning = 'reject samples further than this from the median: a number in sigma, at least 0'
  t.match(printed, `# ${meaning}\n# from ${file}:2\nclip = 4\n`)
  t.match(printed, '# from --set\nminimum = 5\n')
  t.match(printed, '# default\nmethod = median\n')
  t.match(printed, '# level =\n')
  t.ok(printed.split('\n').every((line) => line.length <= 120 || line.includes('/')))
})

t.test('digests do not depend on how or where the same was said', async (t) => {
  const folder = t.testdir({
    'a.ini': '[combine]\nclip = 4.0\nflat = /a/b/flat.fits\n',
    'b.ini': '[Combine]\nFlat=/c/flat.fits\nCLIP=4\n',
  })
  const a = loadConfig(schema, { file: `${folder}/a.ini`, set: ['input and output.output=/x'] })
  const b = loadConfig(schema, { file: `${folder}/b.ini` })
  const c = loadConfig(schema, { set: ['combine.clip=4', 'combine.flat=flat.fits'] })
  t.equal(a.canonical(), b.canonical())
  t.equal(a.canonical(), c.canonical())
  t.not(a.canonical(), loadConfig(schema, { set: ['combine.clip=5', 'combine.flat=flat.fits'] }).canonical())
  t.notMatch(a.canonical(), '/')
})

t.test('another instrument profile is another digest', async (t) => {
  const coatli = loadConfig(schema, { set: ['instrument.profile=coatli'] })
  t.equal(coatli.profile.name, 'coatli')
  t.not(coatli.canonical(), loadConfig(schema).canonical())
})

t.test('a sample INI is the defaults', async (t) => {
  const folder = t.testdir({ 'sample.ini': sampleIni(schema, 'A sample of every key.') })
  t.same(loadConfig(schema, { file: `${folder}/sample.ini` }).values, loadConfig(schema).values)
  t.match(
    sampleIni(schema),
    '# reject samples further than this from the median: a number in sigma, at least 0\nclip = 3\n',
  )
})

t.test('a schema describes itself', async (t) => {
  const rows = describeSchema(schema)
  t.same(
    rows.find(({ key }) => key === 'clip'),
    {
      section: 'combine',
      key: 'clip',
      kind: 'number',
      default: '3',
      required: false,
      unit: 'sigma',
      expects: 'a number in sigma, at least 0',
      alias: [],
      choices: [],
      doc: 'reject samples further than this from the median',
    },
  )
  t.ok(rows.some((row) => row.section === 'limits[.WORD]'))
  t.ok(rows.every((row) => row.doc.length > 0))
})

t.test('a section that command and harness share has the keys of both', async (t) => {
  const both = withCommon({ output: { level: number(1, 'level') } })
  t.same(Object.keys(loadConfig(both).values.output), [...Object.keys(commonSchema.output), 'level'])
})

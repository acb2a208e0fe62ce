import { cpSync, mkdirSync } from 'node:fs'
import t from 'tap'
import {
  type ConfigError,
  describeFrame,
  listProfiles,
  loadConfig,
  loadProfile,
  number,
  profileFolder,
  withCommon,
} from '../src/index.js'
import { headerOf } from './headers.js'

const message = (run: () => unknown): readonly string[] => {
  try {
    run()
  } catch (error) {
    return (error as ConfigError).problems
  }
  return []
}

t.test('the shipped profiles are found, and every one loads', async (t) => {
  const names = listProfiles()
  t.ok(
    [
      'alpy600',
      'coatli',
      'colibri',
      'generic',
      'microobservatory',
      'nres',
      'ratir-c1',
      'saao-ste3',
      'skycam',
      'sprat',
    ].every((name) => names.includes(name)),
  )
  for (const name of names) t.equal(loadProfile(name).name, name)
})

t.test('a bundle far down in a package finds them too', async (t) => {
  const root = t.testdir({ configs: { instruments: { 'generic.ini': '[profile]\nparent = none\n' } } })
  const home = `${root}/packages/commands/x/dist/bundle`
  mkdirSync(home, { recursive: true })
  t.equal(profileFolder(`file://${home}/start.cjs`), `${root}/configs/instruments`)
})

t.test('an unknown profile is refused with the nearest name', async (t) => {
  t.match(
    message(() => loadProfile('coatly')),
    [/^unknown instrument profile 'coatly', did you mean 'coatli'\? \(known: alpy600, coatli,/],
  )
  t.match(
    message(() => loadProfile('./none.ini')),
    ['./none.ini: no such instrument profile'],
  )
})

t.test('a profile is completed by its parent, key by key', async (t) => {
  const folder = t.testdir({
    'mine.ini': '[profile]\nparent = base.ini\n[keywords]\ngain = MYGAIN\n[filters]\nrp = r\n',
    'base.ini': '[keywords]\ngain = BASEGAIN\nexposure = MYTIME\n[assume]\nsaturation = 1000\n',
  })
  const profile = loadProfile(`${folder}/mine.ini`)
  t.equal(profile.name, 'mine')
  t.match(
    describeFrame(headerOf({ MYGAIN: 2, BASEGAIN: 3, MYTIME: 7, EXPTIME: 8, RDNOISE: 4, FILTER: 'rp' }), profile, {
      width: 10,
      height: 10,
    }),
    {
      gain: 2,
      exposureSeconds: 7,
      saturation: 1000,
      readNoise: 4,
      filter: 'r',
    },
  )
})

t.test('override beats the header, and the header beats what is assumed', async (t) => {
  const folder = t.testdir({
    'x.ini':
      '[assume]\ngain = 5\nread noise = 9\ntype = object\n[override]\nfilter = w\ngain = 2 * SOFT\nbinning = 2x1\ndata section = [3:8,1:10]\ninstrument = mine\n',
  })
  const read = (cards: Record<string, number | string>) =>
    describeFrame(headerOf(cards), loadProfile(`${folder}/x.ini`), { width: 10, height: 10 })
  t.match(read({ GAIN: 1, FILTER: 'R', RDNOISE: 3, CCDSUM: '4 4', SOFT: 8, INSTRUME: 'x', TRIMSEC: '[1:9,1:9]' }), {
    gain: 16,
    filter: 'w',
    readNoise: 3,
    binning: [2, 1],
    instrument: 'mine',
    data: { x0: 2, y0: 0, x1: 8, y1: 10 },
  })
  t.match(read({}), {
    gain: 5,
    readNoise: 9,
    type: 'object',
    sources: { gain: 'assumed', type: 'assumed', filter: 'override' },
  })
})

t.test('a frame that was turned during the exposure is unfit', async (t) => {
  const read = (start: number, end: number) =>
    describeFrame(headerOf({ SMTMRO: start, EMTMRO: end }), loadProfile('coatli'), { width: 10, height: 10 })
  t.match(read(0, 0), { orientation: 'rotate-180', unfit: undefined })
  t.match(read(180, 180.01), { orientation: 'none', unfit: undefined })
  t.match(read(0, 180), { unfit: 'SMTMRO = 0 but EMTMRO = 180: turned during the exposure' })
  t.match(read(90, 90).notes, ['SMTMRO = 90 has no turn in the profile'])
})

t.test('a profile may clip sections that reach out of the array', async (t) => {
  const folder = t.testdir({ 'x.ini': '[conventions]\nstale sections = trust\n' })
  const facts = describeFrame(headerOf({ TRIMSEC: '[3:12,1:10]' }), loadProfile(`${folder}/x.ini`), {
    width: 10,
    height: 10,
  })
  t.same(facts.data, { x0: 2, y0: 0, x1: 10, y1: 10 })
})

t.test('mistakes in a profile are named with their line', async (t) => {
  const folder = t.testdir({
    'a.ini': '[keywords]\ngian = GAIN\n',
    'b.ini': '[keywords]\nra = RA, RA2\n',
    'c.ini':
      '[file names]\nwins = gain\npatterns = {kind}-{number}\n[assume]\ntype = flatt\n[orientation]\nvalues = 0:upside-down\n',
    'd.ini': '[profile]\nparent = d.ini\n',
    'e.ini': '[profile]\nparent = nothing\n',
  })
  const of = (name: string) =>
    message(() => loadProfile(`${folder}/${name}`)).map((problem) => problem.replaceAll(`${folder}/`, ''))
  t.match(of('a.ini'), [/^a.ini:2: unknown key 'gian' in \[keywords\], did you mean 'gain'\?/])
  t.match(of('b.ini'), [/^b.ini: \[keywords\] ra lists 2 keywords and dec \d+ \(they are read in pairs\)/])
  t.match(of('c.ini'), [
    /wins = gain/,
    /type = flatt, expected one of bias, dark/,
    /'0:upside-down', expected VALUE:TURN/,
    /\{kind\} \(known: \{type\}/,
  ])
  t.match(of('d.ini'), [/cannot be its own parent/])
  t.match(of('e.ini'), [/unknown instrument profile 'nothing'/])
})

t.test('a profile carries defaults for sections of commands: under the file, over the defaults', async (t) => {
  const folder = t.testdir({
    'cam.ini': '[defaults.combine]\nclip = 4\n[defaults.other command]\nx = 1\n',
    'night.ini': '[instrument]\nprofile = cam.ini\n[combine]\nlow = 7\n',
    'typo.ini': '[defaults.combine]\nclipp = 4\n',
  })
  const schema = withCommon({ combine: { clip: number(3, 'clip'), low: number(1, 'low') } })
  const { values, origin, profile } = loadConfig(schema, { file: `${folder}/night.ini` })
  t.same(values.combine, { clip: 4, low: 7 })
  t.equal(profile.name, 'cam')
  t.equal(origin('combine', 'clip'), `${folder}/cam.ini:2`)
  t.equal(loadConfig(schema, { file: `${folder}/night.ini`, set: ['combine.clip=9'] }).values.combine.clip, 9)
  t.match(
    message(() => loadConfig(schema, { set: [`instrument.profile=${folder}/typo.ini`] })),
    [/typo.ini:2: unknown key 'clipp' in \[combine\], did you mean 'clip'/],
  )
})

t.test('profiles may be looked for in another folder', async (t) => {
  const folder = t.testdir({ 'mine.ini': '[assume]\ngain = 3\n' })
  cpSync(`${profileFolder()}/generic.ini`, `${folder}/generic.ini`)
  t.same(listProfiles(folder), ['generic', 'mine'])
  t.equal(loadConfig(withCommon({}), { set: ['instrument.profile=mine'], profileFolder: folder }).profile.name, 'mine')
})

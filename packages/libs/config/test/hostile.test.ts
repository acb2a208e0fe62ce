import t from 'tap'
import { completeSections } from '../src/in-force.js'
import {
  describeFrame,
  flag,
  freeSection,
  list,
  listProfiles,
  loadProfile,
  number,
  section,
  text,
} from '../src/index.js'
import { canonicalConfig, printConfig } from '../src/print.js'
import { resolve } from '../src/resolve.js'
import { scanIni } from '../src/scan.js'

/** Small, seeded, good enough to make a mess (Marsaglia 2003, xorshift). */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

const schema = {
  combine: { clip: number(3, 'c'), words: list([], 'w'), on: flag(true, 'o'), name: text('', 'n') },
  limits: section('l', { high: number(1, 'h') }, { pattern: true }),
  bands: freeSection('b', text('', 'anything')),
}

t.test('no text makes the INI reader fail, and what it accepts reads back from its print', async (t) => {
  const next = random(41)
  const words = `[ ] = # ; " ' \\ . , - combine limits clip high words bands name 3 1e9 yes __proto__ constructor é [combine] [limits.a]`
  const pieces = [...words.split(' '), ' ', '\n', '\r\n', '\t', '\uFEFF', '\nclip = ', '\nname=', '\n[bands]\nx=']
  let accepted = 0
  for (let k = 0; k < 20000; k++) {
    const content = Array.from({ length: next(24) }, () => pieces[next(pieces.length)]).join('')
    const read = (ini: string) => {
      const resolution = resolve(schema, [scanIni(ini, 'night.ini')])
      return { sections: completeSections(schema, resolution, 'night.ini'), problems: resolution.problems }
    }
    const { sections, problems } = read(content)
    if (problems.some((problem) => !/^night\.ini:?\d*: \S/.test(problem)))
      t.fail(`${JSON.stringify(content)} ${problems}`)
    if (problems.length) continue
    accepted++
    const again = read(printConfig(schema, sections))
    if (again.problems.length) t.fail(`${JSON.stringify(content)} ${again.problems}`)
    else if (canonicalConfig(schema, again.sections) !== canonicalConfig(schema, sections))
      t.fail(JSON.stringify(content))
  }
  t.ok(accepted > 1000, `${accepted} accepted`)
  t.equal(({} as Record<string, unknown>).x, undefined, 'and no prototype was touched')
})

t.test('no header makes a profile fail, or give a number that is none', async (t) => {
  const next = random(43)
  const values = [
    '',
    ' ',
    'N/A',
    'NaN',
    '[1:2,3:4]',
    '[99999999999999999999:1,1:2]',
    '[2:1,1:9]',
    '2013-07-16',
    '2013-99-99T99:99:99',
    '12:34:56',
    '-00:00:00',
    '1e308',
    'x'.repeat(5000),
    '*',
    '((((',
    '\\',
    '{type}',
    -1,
    0,
    1e300,
    -1e300,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    10n ** 30n,
    true,
    false,
    undefined,
    '1 2 3 4',
    '2x2',
    '0x0',
    '64x64',
    '٣',
  ]
  for (const name of listProfiles()) {
    const profile = loadProfile(name)
    for (let k = 0; k < 150; k++) {
      const cards = new Map<string, (typeof values)[number]>()
      const facts = describeFrame(
        (keyword) => {
          if (!cards.has(keyword)) cards.set(keyword, next(3) ? undefined : values[next(values.length)])
          return cards.get(keyword)
        },
        profile,
        { width: 1 + next(50), height: 1 + next(50), name: next(2) ? 'x/y/20130716T031549C1f.fits' : undefined },
      )
      const numbers = [
        facts.exposureSeconds,
        facts.gain,
        facts.readNoise,
        facts.saturation,
        facts.mjd,
        facts.raDeg,
        facts.decDeg,
        facts.pixelScaleArcsec,
        ...Object.values(facts.data),
        ...facts.binning,
      ]
      if (!numbers.every((value) => value === undefined || Number.isFinite(value)))
        t.fail(`${name}: ${JSON.stringify(facts)}`)
      if (facts.data.x1 <= facts.data.x0 || facts.data.y1 <= facts.data.y0)
        t.fail(`${name}: no data left in ${JSON.stringify(facts)}`)
    }
  }
})

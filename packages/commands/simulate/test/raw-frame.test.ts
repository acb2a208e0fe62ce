import { describeFrame, headerFor, listProfiles, loadConfig, withCommon } from '@nightpipe/config'
import t from 'tap'
import { factsOf } from '../src/imaging/raw-frame.js'
import { type Settings, schema } from '../src/imaging/schema.js'
import { makeStudio } from '../src/imaging/studio.js'

/** The facts that a reduction reads from simulated headers, frame by frame, beside those that were simulated. */
function readBack(...set: string[]) {
  const { values, profile } = loadConfig(withCommon(schema), { set })
  const settings = values as unknown as Settings
  const { camera, night } = makeStudio(settings, profile)
  return night.exposures.map((frame) => {
    const told = factsOf(settings, camera, frame)
    const cards = new Map(headerFor(told, profile).map(([keyword, value]) => [keyword, value]))
    const shape = { width: camera.rawWidth, height: camera.height, name: `${frame.name}.fits` }
    return {
      told,
      read: describeFrame((keyword) => cards.get(keyword), profile, shape),
      camera,
      name: frame.name,
      values: [...cards.values()],
    }
  })
}

for (const profile of listProfiles()) {
  t.test(`the headers of ${profile} tell type, exposure time, filter and date`, async (t) => {
    for (const { told, read, name, values } of readBack(`instrument.profile=${profile}`)) {
      // Some cameras do not tell types apart: then the profile goes by something else, and never by the wrong one.
      if (read.type !== 'unknown') t.equal(read.type, told.type, `type of ${name}`)
      if (read.exposureSeconds !== undefined) t.ok(Math.abs(read.exposureSeconds - told.exposureSeconds!) < 1e-3, name)
      if (read.mjd !== undefined) t.ok(Math.abs(read.mjd - told.mjd!) < 1e-6, `date of ${name}: ${read.mjd}`)
      if (told.filter && values.includes(told.filter)) t.equal(read.filter, told.filter, `filter of ${name}`)
    }
  })
}

t.test('the generic dialect tells everything that a reduction needs', async (t) => {
  for (const { told, read } of readBack()) {
    t.equal(read.type, told.type)
    t.same([read.gain, read.readNoise, read.saturation], [1.6, 4.5, told.saturation])
    t.same(read.data, { x0: 0, y0: 0, x1: 1024, y1: 1024 })
    t.same(read.overscan, [{ x0: 1024, y0: 0, x1: 1056, y1: 1024 }])
    t.same(read.binning, [1, 1])
    t.same(read.notes, [])
    if (told.raDeg !== undefined)
      t.ok(Math.abs(read.raDeg! - told.raDeg) < 1e-5 && Math.abs(read.decDeg! - told.decDeg!) < 1e-5)
  }
})

t.test('every amplifier has its sections, gain and read noise in the header', async (t) => {
  for (const amplifiers of [2, 3, 4]) {
    const sets = [
      'detector.gain=1.1,1.2,1.3,1.4',
      'detector.read noise=3,4',
      'detector.width=1020',
      'detector.prescan=6',
    ]
    const [{ read, camera }] = readBack(`detector.amplifiers=${amplifiers}`, ...sets) as [
      ReturnType<typeof readBack>[0],
    ]
    t.equal(read.amplifiers.length, amplifiers)
    for (const [k, wanted] of camera.amplifiers.entries()) {
      const found = read.amplifiers[k]!
      t.same([found.data, found.overscan, found.place], [wanted.data, wanted.overscan, wanted.place])
      t.same([found.gain, found.readNoise], [wanted.gain, wanted.readNoise])
    }
  }
})

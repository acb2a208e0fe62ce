// Cosmic rays found in simulated frames, against the charge that each particle left, and against astroscrappy on the same
// pixels; and what is marked as saturated though it is not.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { median } from './statistics.mjs'
import { attempt, line, skipped } from './verdict.mjs'
import { readFrame } from './workshop.mjs'

const GROUP =
  'Cosmic rays: pixels with more charge than 10 times the noise under them, particles, and what is hit wrongly'
const SATURATION = 'Saturation: pixels marked though they are not'

const settings = {
  ...{ 'files.light': 'yes', 'filters.names': 'r', 'flat.saturated': 0, 'flat.stars': 'no', 'flat.gradient': 0 },
  ...{ 'events.satellites': 0, 'detector.non-linearity': 0, 'dark.exposures': 180, 'cosmic rays.rate': 6 },
  ...{ 'field.exposure': 180, 'field.frames': 12, 'field.brightest': 9, 'field.dither': 20 },
}
/** What is not asked for, and what others do, is seen on so many of the frames. */
const SOME = 3
const SKIES = [
  ['seeing 1.6 arcsec (3.2 px)', { 'sky.seeing': 1.6 }],
  ['seeing 1.0 arcsec (2 px)', { 'sky.seeing': 1 }],
]

export function cosmicRays(shop, { size, cases = SKIES.length }) {
  return SKIES.slice(0, cases).flatMap(([name, sky], k) =>
    attempt(GROUP, name, () => {
      const stars = { 'field.stars': Math.round(size ** 2 / 2500) }
      const night = shop.simulate(`cosmics-${k}`, size, { ...settings, ...stars, ...sky }, k)
      const masters = { 'calibration.folder': shop.stack(night) }
      const some = { ...night, objects: night.objects.slice(0, SOME) }
      const ways = [
        ['each frame by itself', { 'cosmic rays.compare': 0 }],
        ['compared with the other frames', {}],
        ['L.A.Cosmic as published', { 'cosmic rays.method': 'paper', 'cosmic rays.compare': 0 }],
      ]
      const plain = shop.reduce(night, { ...masters, 'cosmic rays.method': 'none' }, `${night.folder}-plain`)
      const found = ways.map(([way, how], w) => {
        const frames = w === 0 ? night.objects : some.objects
        const reduced = shop.reduce(night, { ...masters, ...how }, `${night.folder}-reduced-${w}`, frames)
        const flagged = (frame) => readFrame(join(reduced, `${frame.name}.fits`)).mask.map((bits) => bits & 4)
        return linesOf(`${way}, ${name}`, judge({ ...night, objects: frames }, plain, flagged), w === 0)
      })
      return [...found.flat(), ...peerLines(shop, some, plain, name), ...saturationLines(night, plain, name)]
    }),
  )
}

/** Totals over the science frames; `flagged(frame)` is not 0 where a method says that a cosmic ray hit. */
function judge(night, plain, flagged) {
  const sum = { bright: 0, brightFound: 0, events: 0, eventsFound: 0, marked: 0, right: 0, light: 0, lightHit: 0 }
  for (const frame of night.objects) {
    const mask = flagged(frame)
    const { width, error } = readFrame(join(plain, `${frame.name}.fits`))
    const light = night.light(frame).pixels
    const charges = new Float64Array(mask.length)
    const particles = new Map()
    for (const { event, x, y, charge } of night.cosmics(frame)) {
      const p = y * width + x
      charges[p] += charge
      particles.set(event, [...(particles.get(event) ?? []), p])
    }
    for (const pixels of particles.values()) {
      if (!pixels.some((p) => charges[p] > 10 * error[p])) continue // too faint to be seen by anybody
      sum.events++
      if (pixels.some((p) => mask[p])) sum.eventsFound++
    }
    const sky = median(light)
    for (let p = 0; p < mask.length; p++) {
      if (charges[p] > 10 * error[p]) {
        sum.bright++
        if (mask[p]) sum.brightFound++
      }
      const star = light[p] > 1.2 * sky ? light[p] - sky : 0
      sum.light += star
      if (!mask[p]) continue
      sum.marked++
      if (charges[p] > 0) sum.right++
      else sum.lightHit += star
    }
  }
  return sum
}

const percent = (part, whole) => (100 * part) / whole

function linesOf(name, sum, required) {
  const asked = (limit, target) => (required ? { limit, target } : {})
  return [
    line(GROUP, `${name}: pixels found`, percent(sum.brightFound, sum.bright), {
      ...{ ...asked({ least: 95 }, { least: 98.5 }), unit: '%', note: `of ${sum.bright}` },
    }),
    line(GROUP, `${name}: particles found`, percent(sum.eventsFound, sum.events), {
      ...{ ...asked(undefined, { least: 99.5 }), unit: '%', note: `of ${sum.events}` },
    }),
    line(GROUP, `${name}: marked pixels that are hit`, percent(sum.right, sum.marked), {
      ...{ ...asked(undefined, { least: 90 }), unit: '%', note: `of ${sum.marked}` },
    }),
    line(GROUP, `${name}: star light marked wrongly`, percent(sum.lightHit, sum.light), {
      ...{ ...asked({ most: 0.1 }), unit: '%' },
    }),
  ]
}

/** astroscrappy on the frames that the reduction found them in: bias, dark and flat taken off, in electrons. */
function peerLines(shop, night, plain, name) {
  const python = '/usr/bin/python3'
  if (spawnSync(python, ['-c', 'import astroscrappy']).status !== 0) {
    return [skipped(GROUP, `astroscrappy, ${name}`, 'astroscrappy is not installed')]
  }
  const [{ readNoise }] = night.amplifiers
  const flagged = (frame) => {
    const out = shop.path(`scrappy-${frame.name}.fits`)
    const script = join(shop.root, 'scripts/peers/astroscrappy_clean.py')
    const done = spawnSync(python, [script, '1', readNoise, '60000', '4', join(plain, `${frame.name}.fits`), out])
    if (done.status !== 0) throw new Error(`astroscrappy: ${done.stderr}`)
    return readFrame(out).mask
  }
  return linesOf(`astroscrappy, ${name}`, judge(night, plain, flagged), false)
}

/** Marked as saturated, and neither at full well nor reached by what spilled over. */
function saturationLines(night, plain, name) {
  const sum = { marked: 0, wrong: 0, full: 0, missed: 0 }
  for (const frame of night.objects) {
    const { mask } = readFrame(join(plain, `${frame.name}.fits`))
    const truth = night.mask(frame)
    for (let p = 0; p < mask.length; p++) {
      const is = truth[p] & (2 | 64)
      if (mask[p] & 2) {
        sum.marked++
        if (!is) sum.wrong++
      }
      if (truth[p] & 2) {
        sum.full++
        if (!(mask[p] & 2)) sum.missed++
      }
    }
  }
  return [
    line(SATURATION, `${name}: saturated pixels not marked`, sum.missed, {
      limit: { most: 0 },
      note: `of ${sum.full}`,
    }),
    line(SATURATION, `${name}: marked pixels that are not, of all marked`, percent(sum.wrong, sum.marked), {
      ...{ unit: '%', note: `of ${sum.marked}` },
    }),
  ]
}

#!/usr/bin/env node
// What the toolkit makes of simulated nights, against what was put in: the table of docs/accuracy.md.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { astrometry } from './truth/astrometry.mjs'
import { classify } from './truth/classify.mjs'
import { cosmicRays } from './truth/cosmic-rays.mjs'
import { echelleExtraction } from './truth/echelle-extraction.mjs'
import { echelleReduction } from './truth/echelle-reduction.mjs'
import { echelleTraces } from './truth/echelle-traces.mjs'
import { echelleVelocities } from './truth/echelle-velocities.mjs'
import { echelleWavelengths } from './truth/echelle-wavelengths.mjs'
import { findStars } from './truth/find-stars.mjs'
import { masters } from './truth/masters.mjs'
import { mres } from './truth/mres.mjs'
import { withSections } from './truth/page.mjs'
import { photometry } from './truth/photometry.mjs'
import { places } from './truth/places.mjs'
import { pulls } from './truth/pulls.mjs'
import { ratir } from './truth/ratir.mjs'
import { registration } from './truth/registration.mjs'
import { roundTrip } from './truth/round-trip.mjs'
import { sameBytes } from './truth/same-bytes.mjs'
import { subtractedNights } from './truth/subtracted-nights.mjs'
import { subtraction } from './truth/subtraction.mjs'
import { missed, tableOf } from './truth/verdict.mjs'
import { openWorkshop } from './truth/workshop.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const USAGE = `usage: scripts/accuracy [--seed 1] [--size 1024] [--only WORD] [--quick] [--work DIR] [--write]
  Judges the commands on simulated nights by what was put in, and prints the table of docs/accuracy.md.
  --only WORD   only the areas whose name holds it: masters, subtraction, astrometry, echelle-traces …
  --quick       small frames, and one case of each kind
  --work DIR    keep frames and products there (default: a folder that is removed)
  --write       put these rows into docs/accuracy.md, where the others stay
  Exit code 4 when a required value is missed.`
const { values: options } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    seed: { type: 'string', default: '1' },
    size: { type: 'string' },
    only: { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
    work: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
})

if (options.help) {
  console.log(USAGE)
  process.exit(0)
}

const MEASURES = {
  'round-trip': roundTrip,
  pulls,
  masters,
  'cosmic-rays': cosmicRays,
  'same-bytes': sameBytes,
  ratir,
  mres,
  registration,
  astrometry,
  subtraction,
  'subtracted-nights': subtractedNights,
  places,
  'find-stars': findStars,
  photometry,
  classify,
  'echelle-traces': echelleTraces,
  'echelle-velocities': echelleVelocities,
  'echelle-wavelengths': echelleWavelengths,
  'echelle-reduction': echelleReduction,
  'echelle-extraction': echelleExtraction,
}

const scale = { size: Number(options.size ?? (options.quick ? 256 : 1024)), ...(options.quick ? { cases: 1 } : {}) }
const folder = options.work ? resolve(options.work) : mkdtempSync(join(tmpdir(), 'accuracy-'))
const log = (text) => process.stderr.write(`accuracy: ${text}\n`)
const shop = openWorkshop({ root, folder, seed: Number(options.seed), log })
try {
  const rows = Object.entries(MEASURES)
    .filter(([name]) => name.includes(options.only))
    .flatMap(([, measure]) => measure(shop, scale))
  process.stdout.write(tableOf(rows))
  if (options.write) {
    const page = join(root, 'docs/accuracy.md')
    writeFileSync(page, withSections(readFileSync(page, 'utf8'), tableOf(rows)))
  }
  const bad = missed(rows)
  for (const row of bad) log(`missed: ${row.what}`)
  if (bad.length > 0) process.exitCode = 4
} finally {
  if (!options.work) rmSync(folder, { recursive: true, force: true })
}

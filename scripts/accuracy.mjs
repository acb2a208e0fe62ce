#!/usr/bin/env node
// What the reduction makes of simulated nights, against what was put in; prints the table of docs/accuracy.md.
// Exit 4 when a required value is missed.
// Usage: scripts/accuracy [--seed 1] [--size 1024] [--only WORD] [--work DIR]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { masters } from './truth/masters.mjs'
import { pulls } from './truth/pulls.mjs'
import { roundTrip } from './truth/round-trip.mjs'
import { missed, tableOf } from './truth/verdict.mjs'
import { openWorkshop } from './truth/workshop.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { values: options } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    size: { type: 'string', default: '1024' },
    only: { type: 'string', default: '' },
    work: { type: 'string' },
  },
})

const MEASURES = { 'round-trip': roundTrip, pulls, masters }

const folder = options.work ? resolve(options.work) : mkdtempSync(join(tmpdir(), 'accuracy-'))
const log = (text) => process.stderr.write(`accuracy: ${text}\n`)
const shop = openWorkshop({ root, folder, seed: Number(options.seed), log })
try {
  const rows = Object.entries(MEASURES)
    .filter(([name]) => name.includes(options.only))
    .flatMap(([, measure]) => measure(shop, { size: Number(options.size) }))
  process.stdout.write(tableOf(rows))
  const bad = missed(rows)
  for (const row of bad) log(`missed: ${row.what}`)
  if (bad.length > 0) process.exitCode = 4
} finally {
  if (!options.work) rmSync(folder, { recursive: true, force: true })
}

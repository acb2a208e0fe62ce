#!/usr/bin/env node
// Kills a command at random moments, runs it again, and compares what it made with an undisturbed run, byte by byte.
// Usage: scripts/kill-test.mjs [--moments 50] [--seed 1] [--initial DIR] [--work DIR] [--status 0] [--twice 0.3] -- COMMAND ARGUMENTS
//   {output} in the arguments is the folder that the command writes to, one for each run.
//   --initial: what that folder holds before, a bank of masters say. --twice: how often the second run is killed too.
// Whole process groups are killed, so that threads and children die with them. Exit 1 when anything differs.
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'

const { values: options, positionals: command } = parseArgs({
  allowPositionals: true,
  options: {
    moments: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    initial: { type: 'string' },
    work: { type: 'string' },
    status: { type: 'string', default: '0' },
    twice: { type: 'string', default: '0.3' },
    verbose: { type: 'boolean', default: false },
  },
})
if (command.length === 0 || !command.some((word) => word.includes('{output}'))) {
  console.error('kill-test: give the command after --, with {output} where its output folder goes')
  process.exit(2)
}
const wanted = Number(options.status)
const work = options.work ?? mkdtempSync(join(tmpdir(), 'kill-test-'))
mkdirSync(work, { recursive: true })

/** Numbers from 0 to 1 that repeat with the seed (Park & Miller 1988, CACM 31, 1192). */
let state = (Number(options.seed) * 48271) % 2147483647 || 1
const random = () => {
  state = (state * 48271) % 2147483647
  return state / 2147483647
}

function freshOutput(name) {
  const output = join(work, name)
  rmSync(output, { recursive: true, force: true })
  if (options.initial) cpSync(options.initial, output, { recursive: true, preserveTimestamps: true })
  else mkdirSync(output)
  return output
}

/** Runs the command; after `milliseconds` its whole process group is killed. */
function run(output, milliseconds) {
  const [program, ...args] = command.map((word) => word.replaceAll('{output}', output))
  const start = performance.now()
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (text += data))
    const timer =
      milliseconds === undefined
        ? undefined
        : setTimeout(() => {
            try {
              process.kill(-child.pid, 'SIGKILL')
            } catch {
              // It had just ended.
            }
          }, milliseconds)
    child.on('error', reject)
    child.on('close', (status, signal) => {
      clearTimeout(timer)
      resolve({ status, killed: signal === 'SIGKILL', text, seconds: (performance.now() - start) / 1000 })
    })
  })
}

/** All files below a folder, by relative path. */
function filesOf(folder) {
  const all = readdirSync(folder, { recursive: true, withFileTypes: true })
  return all
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
    .sort()
}

/** Columns that say when or how fast, and not what. */
const PASSING = ['seconds', 'stamp']

function tableOf(path) {
  const rows = readFileSync(path, 'utf8').trimEnd().split('\n').map(cellsOf)
  const passing = PASSING.map((name) => rows[0].indexOf(name))
  return rows.map((cells) => cells.filter((_, k) => !passing.includes(k)))
}

const cellsOf = (line) => [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map((cell) => cell[1]).slice(0, -1)

/** What is wrong with a folder, compared with that of the undisturbed run. */
function differences(output, reference) {
  const problems = []
  const [mine, theirs] = [filesOf(output), filesOf(reference)]
  for (const name of theirs) if (!mine.includes(name)) problems.push(`${name} is missing`)
  for (const name of mine) if (!theirs.includes(name)) problems.push(`${name} is left over`)
  for (const name of mine.filter((file) => theirs.includes(file))) {
    const [a, b] = [join(output, name), join(reference, name)]
    if (!name.endsWith('.csv')) {
      if (!readFileSync(a).equals(readFileSync(b))) problems.push(`${name} differs`)
      continue
    }
    const [rows, others] = [tableOf(a), tableOf(b)]
    if (new Set(rows.map(String)).size < rows.length) problems.push(`${name} has a row twice`)
    if (rows.length !== others.length) problems.push(`${name} has ${rows.length} rows, ${others.length} expected`)
    else if (String(rows) !== String(others)) problems.push(`${name} has other rows`)
  }
  return problems
}

const reference = freshOutput('reference')
const undisturbed = await run(reference)
if (undisturbed.status !== wanted) {
  console.error(`kill-test: undisturbed, the command ends with ${undisturbed.status}\n${undisturbed.text}`)
  process.exit(1)
}
const count = Number(options.moments)
let [bad, killed, twice] = [0, 0, 0]
const states = new Map()
let duration = 1000 * undisturbed.seconds
for (let k = 0; k < count; k++) {
  const output = freshOutput('killed')
  // Spread over the whole run, one moment in each part of it.
  const first = await run(output, (duration * (k + random())) / count)
  if (first.killed) killed++
  else duration = 0.9 * duration + 0.1 * Math.min(duration, 1000 * first.seconds) // the machine has become faster
  const left = filesOf(output)
  const shape =
    left.length === 0
      ? 'nothing'
      : `${left.filter((name) => /(^|\/)\./.test(name)).length} unfinished, ${left.filter((name) => !/(^|\/)\./.test(name)).length} whole`
  states.set(shape, (states.get(shape) ?? 0) + 1)
  if (random() < Number(options.twice) && (await run(output, duration * random())).killed) twice++
  const last = await run(output)
  const problems =
    last.status === wanted ? differences(output, reference) : [`the run after it ends with ${last.status}`]
  if (problems.length === 0) {
    if (options.verbose) console.log(`moment ${k}: ${shape}: as undisturbed`)
    continue
  }
  bad++
  const kept = join(work, `moment-${k}`)
  rmSync(kept, { recursive: true, force: true })
  cpSync(output, kept, { recursive: true })
  console.error(`kill-test: moment ${k} (${shape} when it was killed): ${problems.join('; ')}; kept in ${kept}`)
  if (last.status !== wanted) console.error(last.text)
}
console.log(
  `${count} moments in ${undisturbed.seconds.toFixed(2)} s: ${killed} killed, ${twice} of them twice, ${bad} differ`,
)
for (const [shape, times] of [...states].sort((a, b) => b[1] - a[1]))
  console.log(`${String(times).padStart(4)} times ${shape}`)
if (bad === 0 && !options.work && existsSync(work) && statSync(work).isDirectory()) rmSync(work, { recursive: true })
process.exit(bad === 0 ? 0 : 1)

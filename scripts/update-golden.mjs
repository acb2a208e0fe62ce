#!/usr/bin/env node
// Reference outputs of the commands, on frames that `simulate` makes: fixtures/golden/<case>/. Runs every case and
// compares what it makes with what is kept, by fits-compare; what differs is printed and then kept instead. With --check
// nothing is changed, and the exit code is 4 when something differs.
// Usage: scripts/update-golden [--check] [CASE…]
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const golden = join(root, 'fixtures/golden')
const check = process.argv.includes('--check')
const asked = process.argv.slice(2).filter((word) => !word.startsWith('-'))
const { NODE_OPTIONS: _, ...env } = process.env

/** Runs one of our commands; `codes` are the exit codes that are fine. */
function run(name, args, cwd, codes = [0]) {
  const bin = join(root, 'packages/commands', name, 'bin', `${name}.js`)
  const done = spawnSync(process.execPath, [bin, ...args], { cwd, env, encoding: 'utf8' })
  if (!codes.includes(done.status)) throw new Error(`${name} ${args.join(' ')}: exit ${done.status}\n${done.stderr}`)
  return done
}

/** A case: `steps` of the command line, run in an empty folder, then `keep`, the products that are compared. */
function runCase(name, scratch) {
  const { steps, keep, tolerances = [] } = JSON.parse(readFileSync(join(golden, name, 'case.json'), 'utf8'))
  for (const [command, ...args] of steps)
    run(
      command,
      args.map((word) => word.replaceAll('{root}', root)),
      scratch,
    )
  let differs = false
  for (const path of keep) {
    const [made, kept] = [join(scratch, path), join(golden, name, path.replaceAll('/', '__'))]
    const same = existsSync(kept) && compare(kept, made, tolerances)
    if (same) continue
    differs = true
    if (!existsSync(kept)) console.log(`${name}: ${path} is new`)
    if (!check) copyFileSync(made, kept)
  }
  return differs
}

/** The version of the toolkit and the identities that follow from it change with every release; nothing else may. */
function compare(kept, made, tolerances) {
  if (made.endsWith('.csv')) return sameRows(kept, made)
  const flags = ['--ignore', 'NP_VER', 'NP_ID', ...tolerances]
  const done = run('fits-compare', [kept, made, ...flags, '--json'], root, [0, 4])
  const real = done.stdout
    .split('\n')
    .filter(
      (line) => line && !(/"PROVENANCE"/.test(line) && /"where":"ID/.test(line)) && !/PROVENANCE.*ID\[/.test(line),
    )
  for (const line of real) console.log(line)
  return real.length === 0
}

/** Tables are the same to the last letter; the first row that is not is printed. */
function sameRows(kept, made) {
  const [before, now] = [kept, made].map((path) => readFileSync(path, 'utf8').split('\n'))
  const at = now.findIndex((row, k) => row !== before[k])
  if (at < 0 && before.length === now.length) return true
  console.log(`${basename(kept)}:${at + 1}: ${before[at] ?? 'no row'} is now ${now[at] ?? 'no row'}`)
  return false
}

let stale = 0
const cases = readdirSync(golden, { withFileTypes: true })
  .filter((e) => e.isDirectory())
  .map((e) => e.name)
  .sort()
for (const name of cases.filter((one) => asked.length === 0 || asked.includes(one))) {
  const scratch = mkdtempSync(join(tmpdir(), 'golden-'))
  mkdirSync(scratch, { recursive: true })
  try {
    if (runCase(name, scratch)) {
      stale++
      console.log(
        check
          ? `${name}: differs (if that is meant: scripts/update-golden ${name}, and say why in the commit)`
          : `${name}: kept anew`,
      )
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}
console.log(`${cases.length} cases, ${stale} ${check ? 'differ' : 'changed'}`)
process.exit(check && stale > 0 ? 4 : 0)

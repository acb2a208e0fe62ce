#!/usr/bin/env node
// Whole processes, ours and each installed peer in turn (A B A B …), every one writing its product; prints the table of
// docs/performance.md (and replaces it with --write).
// The works are in scripts/bench-works/, a file for each area.
// Usage: scripts/bench [--size 4096] [--runs 3] [--only WORD] [--data DIR] [--write]
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { values: options } = parseArgs({
  options: {
    size: { type: 'string', default: '4096' },
    runs: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    data: { type: 'string', default: join(root, 'bench') },
    write: { type: 'boolean', default: false },
  },
})
const data = resolve(options.data)
const runs = Number(options.runs)
const bin = (name) => join(root, 'node_modules/.bin', name)
const onPath = (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0
const hasTime = existsSync('/usr/bin/time')
// Extra certificates make Node start slower: not ours to measure.
const environment = { ...process.env, NODE_EXTRA_CA_CERTS: '' }
delete environment.NODE_EXTRA_CA_CERTS

/** One run from a clean output folder: { wall, cpu, megabytes } or { error }. */
function time({ argv, cwd = data, output, input }) {
  for (const path of output ?? []) {
    rmSync(path, { recursive: true, force: true })
    mkdirSync(path, { recursive: true })
  }
  const wrapped = hasTime ? ['/usr/bin/time', '-q', '-f', '@@ %e %U %S %M', ...argv] : argv
  const before = performance.now()
  const done = spawnSync(wrapped[0], wrapped.slice(1), {
    cwd,
    env: environment,
    encoding: 'utf8',
    input,
    maxBuffer: 1 << 28,
  })
  const wall = (performance.now() - before) / 1000
  if (done.error || done.status !== 0) return { error: `${argv[0]}: ${done.error ?? lastLines(done)}` }
  const figures = /@@ (\S+) (\S+) (\S+) (\d+)/.exec(done.stderr)
  if (!figures) return { wall, cpu: Number.NaN, megabytes: Number.NaN }
  return { wall, cpu: Number(figures[2]) + Number(figures[3]), megabytes: Number(figures[4]) / 1024 }
}
const lastLines = (done) => (done.stderr + done.stdout).trim().split('\n').slice(-3).join(' | ')

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Ours and the peers in turn, `runs` times after one warm-up each. */
function compare(work) {
  const peers = work.peers.filter((peer) => {
    const there =
      peer.needs.every(onPath) && (peer.check ? spawnSync(peer.check[0], peer.check.slice(1)).status === 0 : true)
    if (!there) console.error(`bench: ${work.id}: ${peer.name} is not installed, skipped`)
    return there
  })
  const contestants = [{ name: 'nightpipe', ...work.ours }, ...peers]
  const samples = contestants.map(() => [])
  for (let run = -1; run < runs; run++) {
    for (const [k, contestant] of contestants.entries()) {
      if (samples[k] === undefined) continue
      const figures = time(contestant)
      if (figures.error) {
        console.error(`bench: ${work.id}: ${contestant.name} failed: ${figures.error}`)
        samples[k] = undefined
      } else if (run >= 0) samples[k].push(figures)
    }
  }
  const ours = samples[0]
  return contestants.map(({ name }, k) => {
    const mine = samples[k]
    if (!mine) return { work: work.id, name, failed: true }
    return {
      work: work.id,
      title: work.title,
      name,
      wall: median(mine.map((f) => f.wall)),
      cpu: median(mine.map((f) => f.cpu)),
      megabytes: Math.max(...mine.map((f) => f.megabytes)),
      ratio: k === 0 || !ours ? undefined : median(mine.map((f, i) => ours[i].wall / f.wall)),
      target: contestants[k].target,
    }
  })
}

function table(rows) {
  const lines = [
    '| work | program | wall s | CPU s | peak MB | ours / peer | target |',
    '|---|---|---|---|---|---|---|',
  ]
  for (const r of rows) {
    if (r.failed) lines.push(`| ${r.work} | ${r.name} | failed | | | | |`)
    else {
      const cells = [
        r.name === 'nightpipe' ? r.title : '',
        r.name,
        r.wall.toFixed(2),
        r.cpu.toFixed(2),
        r.megabytes.toFixed(0),
      ]
      lines.push(`| ${[...cells, r.ratio?.toFixed(2) ?? '', r.target ?? ''].join(' | ')} |`)
    }
  }
  return lines.join('\n')
}

mkdirSync(data, { recursive: true })
const size = Number(options.size)
function run(argv) {
  const done = spawnSync(argv[0], argv.slice(1), { cwd: data, env: environment, encoding: 'utf8', maxBuffer: 1 << 28 })
  if (done.status !== 0) throw new Error(`prepare: ${argv.join(' ')}: ${lastLines(done)}`)
}
console.error(`bench: frames and masters in ${data} (made once)`)
mkdirSync(join(data, 'out'), { recursive: true })
const areas = join(root, 'scripts/bench-works')
const chosen = []
for (const file of readdirSync(areas).sort()) {
  // Each gives prepare(…), which makes the frames of an area once, and works(…), what is measured on them.
  const area = await import(pathToFileURL(join(areas, file)).href)
  const mine = () =>
    area.works({ root, data, size, bin, python: '/usr/bin/python3' }).filter((work) => work.id.includes(options.only))
  if (mine().length === 0) continue
  await area.prepare({ root, data, size, bin, run })
  chosen.push(...mine()) // once more: what prepare made is there now
}
const rows = []
for (const work of chosen) {
  rows.push(...compare(work))
  console.error(`bench: ${work.id} done`)
}
const text = table(rows)
console.log(text)
if (options.write) {
  const about = `${cpus().length} cores (${cpus()[0].model}), ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.versions.node}`
  const page = join(root, 'docs/performance.md')
  const before = existsSync(page) ? readFileSync(page, 'utf8').split('<!-- table -->')[0] : '# Performance\n\n'
  writeFileSync(
    page,
    `${before}<!-- table -->\n${size}x${size} frames, medians of ${runs} runs, on ${about}.\n\n${text}\n`,
  )
}

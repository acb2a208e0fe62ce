#!/usr/bin/env node
// Whole processes, ours and an installed peer in turn (A B A B …), peer by peer, every one writing its product; prints the table of
// docs/performance.md (and replaces it with --write).
// The works are in scripts/bench-works/, a file for each area.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const USAGE = `usage: scripts/bench [--size 4096] [--runs 3] [--only WORD] [--data DIR] [--write]
  Times our commands and each installed peer in turn, and prints the table of docs/performance.md.
  --only WORD   only the works whose name holds it: master, reduce, find-stars, register, plate-solution, echelle …
  --data DIR    where frames are simulated, once (default: bench)
  --write       put these rows into the table of docs/performance.md, where the others stay`
const { values: options } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    size: { type: 'string', default: '4096' },
    runs: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    data: { type: 'string', default: join(root, 'bench') },
    write: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log(USAGE)
  process.exit(0)
}
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
  // What the run before has written is on the disk before this one begins: none waits for the writing of another.
  spawnSync('sync')
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

/** The figures of a run, or nothing when it failed, which is said. */
function attempt(work, contestant) {
  const figures = time(contestant)
  if (!figures.error) return figures
  console.error(`bench: ${work.id}: ${contestant.name} failed: ${figures.error}`)
}

function isThere(work, peer) {
  const there =
    peer.needs.every(onPath) && (peer.check ? spawnSync(peer.check[0], peer.check.slice(1)).status === 0 : true)
  if (!there) console.error(`bench: ${work.id}: ${peer.name} is not installed, skipped`)
  return there
}

/** `runs` pairs, one of ours and one of the peer in turn, after one of the peer that does not count. */
function pairsWith(work, ours, peer) {
  const pairs = []
  for (let run = -1; run < runs; run++) {
    const [one, other] = [run < 0 || attempt(work, ours), attempt(work, peer)]
    if (!one || !other) return { ours: [], theirs: undefined }
    if (run >= 0) pairs.push([one, other])
  }
  const [mine, theirs] = [0, 1].map((k) => pairs.map((pair) => pair[k]))
  const ratioOf = (what) => median(pairs.map(([one, other]) => one[what] / other[what])).toFixed(2)
  const ratio = work.countsCpu ? `${ratioOf('wall')}, CPU ${ratioOf('cpu')}` : ratioOf('wall')
  return { ours: mine, theirs, ratio }
}

/**
 * Ours and a peer in turn, peer by peer (A B A B, A C A C): what another program leaves behind, of memory above all, comes
 * to bear on neither more than on the other.
 */
function compare(work) {
  const peers = work.peers.filter((peer) => isThere(work, peer))
  const contestant = { name: 'nightpipe', ...work.ours }
  const isRunning = attempt(work, contestant) !== undefined
  const series = isRunning ? peers.map((peer) => pairsWith(work, contestant, peer)) : []
  const alone = isRunning && peers.length === 0 ? Array.from({ length: runs }, () => attempt(work, contestant)) : []
  const rowOf = (name, samples, more) =>
    samples?.length > 0 && samples.every(Boolean)
      ? {
          ...{ title: work.title, name, runs: samples.length },
          wall: median(samples.map((f) => f.wall)),
          cpu: median(samples.map((f) => f.cpu)),
          megabytes: Math.max(...samples.map((f) => f.megabytes)),
          ...more,
        }
      : { name, title: work.title, failed: true }
  const target = work.ours.target
  return [
    rowOf(contestant.name, [...alone, ...series.flatMap(({ ours }) => ours)], { target }),
    ...peers.map((peer, k) => rowOf(peer.name, series[k]?.theirs, { ratio: series[k]?.ratio, target: peer.target })),
  ]
}

const HEAD = [
  '| work | program | runs | wall s | CPU s | peak MB | ours / peer | target |',
  '|---|---|---|---|---|---|---|---|',
]

/** The lines of the table for one work: ours, then each peer. */
const linesOf = (rows) =>
  rows.map((r) => {
    if (r.failed) return `| ${r.name === 'nightpipe' ? r.title : ''} | ${r.name} | failed | | | | | |`
    const title = r.name === 'nightpipe' ? r.title : ''
    const cells = [title, r.name, r.runs, r.wall.toFixed(2), r.cpu.toFixed(2), r.megabytes.toFixed(0)]
    return `| ${[...cells, r.ratio ?? '', r.target ?? ''].join(' | ')} |`
  })

/** The lines that a page has already, by the title of their work. */
function blocksOf(page) {
  const blocks = new Map()
  let current
  for (const line of page.split('\n').filter((line) => line.startsWith('|') && !HEAD.includes(line))) {
    const title = line.split('|')[1].trim()
    if (title) {
      current = []
      blocks.set(title, current)
    }
    current?.push(line)
  }
  return blocks
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
const place = { root, data, size, bin, python: '/usr/bin/python3' }
const page = join(root, 'docs/performance.md')
const [before, old = ''] = (existsSync(page) ? readFileSync(page, 'utf8') : '# Performance\n\n').split('<!-- table -->')
const known = blocksOf(old)
const blocks = []
for (const file of readdirSync(areas).sort()) {
  // Each gives prepare(…), which makes the frames of an area once, and works(…), what is measured on them.
  const area = await import(pathToFileURL(join(areas, file)).href)
  const isWanted = (work) => work.id.includes(options.only)
  if (area.works(place).some(isWanted)) await area.prepare({ ...place, run })
  // Asked once more: what prepare made is there now.
  for (const work of area.works(place)) {
    if (!isWanted(work)) {
      blocks.push(known.get(work.title) ?? [])
      continue
    }
    blocks.push(linesOf(compare(work)))
    console.error(`bench: ${work.id} done`)
    console.log(blocks.at(-1).join('\n'))
  }
}
if (options.write) {
  const about = `${cpus().length} cores (${cpus()[0].model}), ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.versions.node}`
  const table = [...HEAD, ...blocks.flat()].join('\n')
  writeFileSync(
    page,
    `${before}<!-- table -->\n${size}x${size} frames unless said, medians, on ${about}.\n\n${table}\n`,
  )
}

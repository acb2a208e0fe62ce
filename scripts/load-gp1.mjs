#!/usr/bin/env node
// Drops raw frames into the input folder of gp1 at a steady rate, some slowly, and kills gp1 (and now and then the
// pipeline that it called) meanwhile; then counts: every frame done, none lost, no product made twice, memory flat, and
// all products the bytes that one call of pipeline makes of the whole folder.
// Usage: scripts/load-gp1.mjs [--frames 2000] [--rate 10] [--side 512] [--kills 6] [--folder DIR] [--keep]   (after npm run build)
import { spawn, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const bin = (name) => join(root, 'packages/commands', name, 'bin', `${name}.js`)
const { createHeader, encodeFits } = await import(pathToFileURL(join(root, 'packages/libs/fits/dist/src/index.js')))
const { random } = await import(pathToFileURL(join(root, 'packages/libs/math/dist/src/index.js')))

/** The bytes of raw frame number k: noise and some stars, another date for each. */
function rawFrame(k, side, noise) {
  const dice = random(k + 1)
  const pixels = Float64Array.from({ length: side * side }, (_, p) => noise[(p + 7919 * k) % noise.length])
  for (let star = 0; star < 40; star++) {
    const [x, y, peak] = [4 + dice.uniform() * (side - 9), 4 + dice.uniform() * (side - 9), 500 * 20 ** dice.uniform()]
    for (let dy = -4; dy <= 4; dy++) {
      for (let dx = -4; dx <= 4; dx++) {
        const [column, row] = [Math.floor(x) + dx, Math.floor(y) + dy]
        pixels[row * side + column] += Math.round(peak * Math.exp(-((column - x) ** 2 + (row - y) ** 2) / 4))
      }
    }
  }
  const cards = {
    EXPTYPE: 'object',
    OBSERVER: 'svom',
    INSTRUME: 'cam',
    FILTER: 'r',
    OBJECT: 'M 67',
    GAIN: 1.5,
    RDNOISE: 9,
  }
  const more = {
    SATURATE: 60000,
    EXPTIME: 10,
    'DATE-OBS': new Date(Date.UTC(2026, 0, 1) + 15e3 * k).toISOString().slice(0, 19),
  }
  const header = createHeader(Object.entries({ ...cards, ...more }))
  return encodeFits([{ kind: 'image', bitpix: 16, unsigned: true, axes: [side, side], pixels, header }])
}

function writeConfigs(folder) {
  for (const name of ['in', 'log', 'cfg']) mkdirSync(join(folder, name), { recursive: true })
  const reduction = '[Calibration]\nbias = none\ndark = none\nflat = none\n[Cosmic rays]\ncompare = 0\n'
  writeFileSync(join(folder, 'cfg/pipeline.cfg'), '[Structure of pipeline]\nreduction = yes\n')
  writeFileSync(join(folder, 'cfg/reduction.cfg'), reduction)
  const general = `[General]\ninput = ${join(folder, 'in')}\nlog_path = ${join(folder, 'log')}\n`
  const section = `[pipeline-load]\nidentifier_header = EXPTYPE,OBSERVER\nidentifier_value = object,svom\nconfiguration_path_dir = ${join(folder, 'cfg')}\nworkspace_dir = ${join(folder, 'online')}\n`
  writeFileSync(join(folder, 'gp1.cfg'), general + section)
}

/** The processes that another one started, and so on. */
function descendants(pid) {
  const { stdout } = spawnSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' })
  const pairs = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  const below = (parent) => pairs.filter(([, ppid]) => ppid === parent).flatMap(([child]) => [child, ...below(child)])
  return below(pid)
}

const memoryOf = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readIfAny(`/proc/${pid}/status`))?.[1] ?? 0) / 1024
const readIfAny = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '')
const kill = (pid, signal) => {
  try {
    process.kill(pid, signal)
  } catch {
    // It has just ended.
  }
}

/** Counts how often each product came into being under its name. */
function countBirths(folder) {
  const births = new Map()
  mkdirSync(folder, { recursive: true })
  const watcher = watch(folder, (event, name) => {
    if (event === 'rename' && /^[^.].*\.fits$/.test(name ?? '')) births.set(name, (births.get(name) ?? 0) + 1)
  })
  return { births, end: () => watcher.close() }
}

/** The state of each image, by the last line about it, and how often it was said to be done. */
function stateOf(folder) {
  const lines = readIfAny(join(folder, 'log/gp1.csv')).split('\n').slice(1, -1)
  const last = new Map(lines.map((line) => [line.split(',')[0], line.split(',')[2]]))
  return { done: [...last.values()].filter((status) => status === 'done').length, all: last.size }
}

export async function load({ frames, rate, side, kills, folder, say = () => {} }) {
  rmSync(folder, { recursive: true, force: true })
  writeConfigs(folder)
  const dice = random(20261121)
  const noise = Int32Array.from({ length: 65536 }, () => Math.round(1200 + 12 * dice.normal()))
  const products = join(folder, 'online/M_67/cam/r/reduction')
  const counting = countBirths(products)
  const memory = []
  let child = start()
  function start() {
    const one = spawn(process.execPath, [bin('gp1'), '--config', join(folder, 'gp1.cfg'), '--quiet'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    one.stderr.on('data', (text) => appendFileSync(join(folder, 'stderr.txt'), text))
    one.ended = new Promise((go) => one.on('exit', (code, signal) => go(code ?? signal)))
    return one
  }
  const killTimes = Array.from({ length: kills }, (_, k) => ((k + 0.3 + 0.6 * dice.uniform()) * frames) / (kills + 1))
  const begun = performance.now()
  for (let k = 0; k < frames; k++) {
    const bytes = rawFrame(k, side, noise)
    const path = join(folder, 'in', `raw-${String(k).padStart(5, '0')}.fits`)
    if (k % 5 === 0) {
      // As a slow network writes it: the name first, the bytes bit by bit.
      writeFileSync(path, bytes.subarray(0, 40000))
      setTimeout(() => appendFileSync(path, bytes.subarray(40000)), 150)
    } else {
      writeFileSync(join(folder, 'in', `.raw-${k}.tmp`), bytes)
      renameSync(join(folder, 'in', `.raw-${k}.tmp`), path)
    }
    if (k % 20 === 0) memory.push(memoryOf(child.pid))
    if (killTimes.length > 0 && k >= killTimes[0]) {
      killTimes.shift()
      const whole = killTimes.length % 2 === 0
      const pids = whole ? descendants(child.pid) : []
      for (const pid of [child.pid, ...pids.slice(0, 1)]) kill(pid, 'SIGKILL')
      say(`killed gp1${whole ? ' and the pipeline it called' : ''} at frame ${k}`)
      await child.ended
      child = start()
    }
    await sleep(Math.max(0, begun + (1000 * (k + 1)) / rate - performance.now()))
  }
  const dropped = performance.now()
  const end = dropped + 1000 * Math.max(120, frames)
  while (stateOf(folder).done < frames && performance.now() < end && child.exitCode === null) await sleep(200)
  const late = (performance.now() - dropped) / 1000
  memory.push(memoryOf(child.pid))
  kill(child.pid, 'SIGTERM')
  const exit = await child.ended
  counting.end()
  const { done } = stateOf(folder)
  const twice = [...counting.births].filter(([, n]) => n > 1)
  const args = [
    '--config',
    join(folder, 'cfg'),
    '--input',
    join(folder, 'in'),
    '--output',
    join(folder, 'offline'),
    '--quiet',
  ]
  const offline = spawnSync(process.execPath, [bin('pipeline'), ...args], { encoding: 'utf8' })
  const differing = differences(products, join(folder, 'offline/M_67/cam/r/reduction'))
  const runs = readIfAny(join(folder, 'online/runs.csv')).trim().split('\n').length - 1
  return {
    frames,
    done,
    twice: twice.length,
    differing,
    exit,
    offlineExit: offline.status,
    lateSeconds: late,
    runs,
    memory,
    megabytes: Math.max(...memory),
  }
}

/** Products that are not the same bytes on both sides, or on one side only. */
function differences(a, b) {
  const names = (folder) => (existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.fits')) : [])
  const all = new Set([...names(a), ...names(b)])
  const same = (name) =>
    [a, b].every((folder) => existsSync(join(folder, name))) &&
    readFileSync(join(a, name)).equals(readFileSync(join(b, name)))
  return [...all].filter((name) => !same(name)).length
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const number = (value) => ({ type: 'string', default: String(value) })
  const options = {
    frames: number(2000),
    rate: number(10),
    side: number(512),
    kills: number(6),
    folder: { type: 'string' },
    keep: { type: 'boolean' },
  }
  const { values } = parseArgs({ options })
  const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'load-gp1-'))
  const [frames, rate, side, kills] = [values.frames, values.rate, values.side, values.kills].map(Number)
  const found = await load({ frames, rate, side, kills, folder, say: (text) => console.error(text) })
  const quarter = Math.max(1, Math.floor(found.memory.length / 4))
  const mean = (list) => list.reduce((sum, x) => sum + x, 0) / list.length
  const [first, last] = [mean(found.memory.slice(1, 1 + quarter)), mean(found.memory.slice(-quarter))]
  console.log(
    `${found.done} of ${frames} frames done, ${found.twice} products made twice, ${found.differing} differ from the offline ones`,
  )
  console.log(
    `last frame done ${found.lateSeconds.toFixed(1)} s after it arrived; ${found.runs} calls of pipeline; gp1 ended with ${found.exit}`,
  )
  console.log(
    `memory of gp1: ${first.toFixed(0)} MB in the first quarter, ${last.toFixed(0)} MB in the last, ${found.megabytes.toFixed(0)} MB at most`,
  )
  if (!values.keep) rmSync(folder, { recursive: true, force: true })
  const good = found.done === frames && found.twice === 0 && found.differing === 0 && found.exit === 0
  process.exitCode = good ? 0 : 4
}

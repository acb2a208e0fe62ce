// The start of every command, copied beside its bundle as start.cjs: runs main.cjs with the code that V8 made of it when it
// was built. Another version of Node than the one that built it refuses that code, and compiles for itself. A module would
// take 8 ms longer to start, and so would every thread.
const { readdirSync, readFileSync, statSync } = require('node:fs')
const { availableParallelism } = require('node:os')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')
const { Script } = require('node:vm')
const { isMainThread, Worker } = require('node:worker_threads')

/**
 * The build puts these here: `ahead`, the threads that this command is going to want ('thread', 'helper' or none; of its
 * package.json), and what started-ahead.ts of the library `command` says of them.
 */
const { ahead, smallBytes, heapMegabytes, waiting } = SETTINGS

/** Modules of Node that all commands name and few runs use: two milliseconds in the process and in each thread. */
const SELDOM = ['node:zlib', 'node:v8', 'node:timers/promises']

const loaded = {}
if (isMainThread && ahead && availableParallelism() > 1 && isLarge(process.argv.slice(2))) startAhead()

load('main')

/** Runs NAME.cjs of this folder, and gives what it exports. */
function load(name) {
  const filename = join(__dirname, `${name}.cjs`)
  const cachedData = readFileSync(join(__dirname, `${name}.cache`))
  const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData })
  return script.runInThisContext()(required, pathToFileURL(__filename).href)
}

/** What a script requires: Node's modules, packages, and what was kept for later, which runs once. */
function required(name) {
  if (SELDOM.includes(name)) return new Proxy({}, { get: (_, key) => require(name)[key] })
  if (!name.startsWith('later:')) return require(name)
  loaded[name] ??= load(name.slice('later:'.length))
  return loaded[name]
}

/** Threads need as long as the command itself to be ready: they are started first, and the command takes them from here. */
function startAhead() {
  // threads print nothing: with pipes of their own the streams of the process need not be made now
  const options = { execArgv: [], stdout: true, stderr: true }
  const workers = Array.from({ length: availableParallelism() - 1 }, () =>
    ahead === 'helper'
      ? new Worker(waiting, { ...options, eval: true })
      : new Worker(__filename, { ...options, resourceLimits: { maxOldGenerationSizeMb: heapMegabytes } }),
  )
  for (const worker of workers) worker.unref()
  globalThis[Symbol.for('nightpipe.ahead')] = { kind: ahead, workers }
}

/** True where plain inputs are sure to be worked on by threads, as far as the command line tells; a helper is for one frame. */
function isLarge(args) {
  const others = /^(-h|--(help|version|describe|dry-run|print-config|workers|memory))(=|$)/
  const from = args.findIndex((word) => word === '-s' || word === '--input')
  if (from < 0 || args.some((word) => others.test(word))) return false
  const length = args.slice(from + 1).findIndex((word) => word.startsWith('-'))
  const paths = args.slice(from + 1, length < 0 ? undefined : from + 1 + length)
  try {
    const stats = paths.map((path) => statSync(path))
    if (ahead === 'helper' && (paths.length > 1 || !stats[0].isFile())) return false
    let bytes = 0
    for (const [k, stat] of stats.entries()) {
      const files = stat.isDirectory() ? readdirSync(paths[k]).map((name) => join(paths[k], name)) : [paths[k]]
      for (const file of files) {
        bytes += statSync(file).size
        if (bytes > smallBytes) return true
      }
    }
  } catch {
    // No such file, or no file at all: the command says so.
  }
  return false
}

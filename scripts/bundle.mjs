// Bundles a command into one file, main.cjs, and compiles that ahead: main.cache is what V8 makes of it, so that neither
// the command nor its worker threads read and compile a megabyte of source. What a command imports lazily (plots) is in the
// file too, and is not run before it is wanted. The kernels lie beside it, and what V8 made of them.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { compileAhead } from './compile-ahead.mjs'

const beside = (name) => fileURLToPath(new URL(name, import.meta.url))

/** Plain stand-ins for what yargs lays out its help with; see there. Progress on a terminal keeps the real ones. */
const plainWidths = {
  name: 'plain-widths',
  setup({ onResolve }) {
    const stands = { 'string-width': beside('plain-width.mjs'), 'wrap-ansi': beside('plain-wrap.mjs') }
    onResolve({ filter: /^(string-width|wrap-ansi)$/ }, ({ path, importer }) =>
      /node_modules\/(yargs|cliui)\//.test(importer) ? { path: stands[path] } : undefined,
    )
  },
}

/**
 * What few runs need, each in a file of its own beside the bundle: yargs for command lines that are not plain, listr2 for
 * progress on a terminal. A third of a megabyte that neither a process nor its threads read.
 */
const LATER = { yargs: `module.exports = require('yargs').default`, listr2: `module.exports = require('listr2')` }

const keptForLater = {
  name: 'kept-for-later',
  setup({ onResolve }) {
    onResolve({ filter: /^(yargs|listr2)$/ }, ({ path }) => ({ path: `later:${path}`, external: true }))
  },
}

/** Their code is a quarter of a megabyte, which would be read as text, compiled as a constant and decoded by every thread. */
const kernelsBeside = {
  name: 'kernels-beside',
  setup({ onLoad }) {
    onLoad({ filter: /\/kernels\/dist\/src\/generated\/wasm\.js$/ }, () => ({
      contents: `import { readFileSync } from 'node:fs'
        import { fileURLToPath } from 'node:url'
        const beside = (name) => () => readFileSync(fileURLToPath(new URL(name, import.meta.url)))
        export const code = beside('kernels.wasm')
        export const data = beside('kernels-data.wasm')`,
    }))
  },
}

/** Only scripts can be compiled ahead, and a script cannot wait at its top: what follows the imports goes into a function. */
const waitsInside = (entry) => ({
  name: 'waits-inside',
  setup({ onLoad }) {
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      if (path !== entry) return undefined
      const source = readFileSync(path, 'utf8')
      const imports = source.match(/^import [^;]*;$/gm) ?? []
      const rest = imports.reduce((text, line) => text.replace(line, ''), source).replace(/^export /gm, '')
      return { contents: `${imports.join('\n')}\n;(async () => {\n${rest}\n})()` }
    })
  },
})

/** A host holds what the starts of commands would run: `await main(commands)` gives them away instead. */
const givesCommands = {
  name: 'gives-commands',
  setup({ onLoad }) {
    onLoad({ filter: /\/dist\/src\/bin\.js$/ }, ({ path }) => {
      const [start, given] = /^await main\((\w+|\[.*\])\);?$/m.exec(readFileSync(path, 'utf8')) ?? []
      if (!start) throw new Error(`${path} does not say await main(COMMANDS): it cannot be held by a host`)
      return { contents: readFileSync(path, 'utf8').replace(start, `export const commands = [${given}].flat()`) }
    })
  },
}

/** The start of a host of these commands: JavaScript whose imports are whole paths. */
export function hostStart(starts) {
  const imports = starts.map(([, path], k) => `import { commands as held${k} } from ${JSON.stringify(path)};\n`)
  const held = starts.map(([name], k) => `  ${JSON.stringify(name)}: held${k},\n`)
  const serve = `import { serveCalls } from '@nightpipe/command';\n`
  return `${serve}${imports.join('')}await serveCalls({\n${held.join('')}})\n`
}

const MADE_FROM = 'made-from.json'
const MAKERS = ['bundle.mjs', 'compile-ahead.mjs', 'bundle-start.cjs', 'plain-width.mjs', 'plain-wrap.mjs'].map(beside)

/** Digests of files by path: most of what two commands are made from is the same. */
const digests = new Map()
const digestOf = (path) => {
  if (!digests.has(path)) digests.set(path, createHash('sha1').update(readFileSync(path)).digest('hex'))
  return digests.get(path)
}
const digestOfAll = (paths) =>
  paths.every((path) => existsSync(path)) &&
  [...paths, ...MAKERS]
    .reduce((hash, path) => hash.update(digestOf(path)), createHash('sha1').update(process.version))
    .digest('hex')

/** Is the bundle in `outdir` made from the files as they are now, by this version of Node? */
function isFresh(home, outdir, ahead) {
  const record = join(outdir, MADE_FROM)
  if (!existsSync(record)) return false
  const { inputs, digest, ahead: before } = JSON.parse(readFileSync(record, 'utf8'))
  return ahead === before && digestOfAll(inputs.map((path) => join(home, path))) === digest
}

const ROOT = beside('..')
const KERNELS = 'libs/kernels/dist/src/generated/wasm.js'
const COMPILER = 'libs/command/dist/src/compiled-kernels.js'
const HOST_FLAGS = 'libs/command/dist/src/run-in-host.js'
const AHEAD = 'libs/command/dist/src/started-ahead.js'
const made = (path) => import(pathToFileURL(beside(`../packages/${path}`)).href)
const isAmong = (name, home, inputs) => inputs.some((path) => join(home, path).endsWith(name))

/** The kernels, if a file of the bundle is the one that holds them. */
async function keepKernels(home, outdir, inputs) {
  if (!isAmong(KERNELS, home, inputs)) return
  const kernels = await made(KERNELS)
  writeFileSync(join(outdir, 'kernels.wasm'), kernels.code())
  writeFileSync(join(outdir, 'kernels-data.wasm'), kernels.data())
}

/** V8's code of all that, under the flags of a host where it is one. */
async function compileAll(home, outdir, inputs, isHost) {
  if (!isHost) return compileAhead(outdir, isAmong(KERNELS, home, inputs) && isAmong(COMPILER, home, inputs))
  const { hostFlags } = await made(HOST_FLAGS)
  execFileSync(process.execPath, [...hostFlags(process.versions.node), beside('compile-ahead.mjs'), outdir])
}

/** Which thread a command wants to have started before it is loaded: `ahead` of its package.json. */
function aheadOf(home) {
  const { ahead = '' } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  if (!['', 'thread', 'helper'].includes(ahead)) throw new Error(`${home}: ahead is '${ahead}', not thread or helper`)
  return ahead
}

/** What the start of a bundle knows of threads, as JSON. */
async function settingsOf(ahead) {
  const { HEAP_MB, SMALL_BYTES, WAITING } = await made(AHEAD)
  return JSON.stringify({ ahead, smallBytes: SMALL_BYTES, heapMegabytes: HEAP_MB, waiting: WAITING })
}

/** Makes NAME.cjs, a function of `require` and of the address of the bundle. Returns what it is made from. */
async function oneFile(outdir, name, options) {
  const outfile = join(outdir, `${name}.cjs`)
  const { metafile } = await build({
    outfile,
    metafile: true,
    bundle: true,
    minifySyntax: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
    external: ['@resvg/resvg-js', '@electric-sql/pglite', 'pg', 'nats'],
    // A script that was compiled ahead cannot import: what stays outside is required.
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': '__url' },
    banner: { js: '(function (require, __url) { "use strict"; const module = { exports: {} }, { exports } = module;' },
    footer: { js: 'return module.exports })' },
    ...options,
  })
  return Object.keys(metafile.inputs).filter((path) => path !== '<stdin>')
}

/** Bundles `entry` of the package at `home` into `outdir`, unless it is there and fresh; was it made? All are whole paths. */
export async function bundle(home, entry, outdir, isHost = false) {
  const ahead = isHost ? '' : aheadOf(home)
  if (isFresh(home, outdir, ahead)) return false
  rmSync(outdir, { recursive: true, force: true })
  const plugins = [plainWidths, keptForLater, kernelsBeside, waitsInside(entry), ...(isHost ? [givesCommands] : [])]
  const inputs = await oneFile(outdir, 'main', { absWorkingDir: home, entryPoints: [entry], plugins })
  for (const [name, contents] of Object.entries(LATER)) {
    if (!readFileSync(join(outdir, 'main.cjs'), 'latin1').includes(`later:${name}`)) continue
    const stdin = { contents, resolveDir: ROOT }
    inputs.push(...(await oneFile(outdir, name, { absWorkingDir: home, stdin, plugins: [plainWidths] })))
  }
  const start = readFileSync(beside('bundle-start.cjs'), 'utf8')
  const settings = await settingsOf(ahead)
  writeFileSync(
    join(outdir, 'start.cjs'),
    start.replace('SETTINGS', () => settings),
  )
  await keepKernels(home, outdir, inputs)
  await compileAll(home, outdir, inputs, isHost)
  const digest = digestOfAll(inputs.map((path) => join(home, path)))
  writeFileSync(join(outdir, MADE_FROM), `${JSON.stringify({ inputs, digest, ahead })}\n`)
  return true
}

// Builds what is out of date: the kernels, then every package by one compiler, then the bundle of each command.
// Usage: build [FOLDER …]   (packages; default: all of them, and . within one)
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle, hostStart } from './bundle.mjs'

const repository = fileURLToPath(new URL('..', import.meta.url))
const listed = (folder) => (existsSync(folder) ? readdirSync(folder, { recursive: true }) : [])
const run = (script, args, cwd) => {
  const { status } = spawnSync(process.execPath, [script, ...args], { cwd, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

function allPackages() {
  return ['libs', 'commands'].flatMap((kind) => {
    const folder = join(repository, 'packages', kind)
    return readdirSync(folder).map((name) => join(folder, name))
  })
}

/** The kernels are compiled when their source or their compiler is not the one that they were made from. */
function buildKernels() {
  const home = join(repository, 'packages/libs/kernels')
  const sources = [
    'build.mjs',
    'networks.mjs',
    'split.mjs',
    ...listed(join(home, 'assembly')).map((name) => join('assembly', name)),
  ]
  const compiler = join(repository, 'node_modules/assemblyscript/package.json')
  const paths = [compiler, ...sources.sort().map((name) => join(home, name))]
  const hash = createHash('sha1')
  for (const path of paths) hash.update(path.slice(home.length)).update(readFileSync(path))
  const digest = hash.digest('hex')
  const record = join(home, 'dist/made-from.txt')
  const products = ['dist/kernels.wasm', 'src/generated/wasm.ts'].map((name) => join(home, name))
  if ([record, ...products].every(existsSync) && readFileSync(record, 'utf8') === digest) return
  run('build.mjs', [], home)
  writeFileSync(record, digest)
}

/** Removes what the compiler made of sources that are gone: a test that was deleted would run for ever. */
function removeStale(home) {
  for (const folder of ['src', 'test']) {
    for (const name of listed(join(home, 'dist', folder))) {
      const stem = name.replace(/(\.d)?\.(ts|js)(\.map)?$/, '')
      const isMade = stem !== name
      if (isMade && !['.ts', '.mts', '.js'].some((type) => existsSync(join(home, folder, stem + type)))) {
        rmSync(join(home, 'dist', folder, name))
      }
    }
  }
}

/** What a package bundles: a command its start, others what `bundles` of their package.json names. */
function bundlesOf(home) {
  const { bundles = [] } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  const named = bundles.map((entry) => [join(home, entry), join(home, 'dist', 'bundles', basename(entry, '.js'))])
  const start = join(home, 'dist/src/bin.js')
  return existsSync(start) ? [[start, join(home, 'dist/bundle')], ...named] : named
}

/** What a command says of itself lies beside its bundle: the front door need not start every command to know them all. */
function keepDescription(outdir, isNew) {
  const path = join(outdir, 'description.json')
  if (!isNew && existsSync(path)) return
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(outdir, 'start.cjs'), '--describe'], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${outdir} does not describe itself: ${stderr}`)
  writeFileSync(path, stdout)
}

/** Commands that one process runs one after the other, as `host` in the package.json of a package names them. */
async function buildHost(home) {
  const { host } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  const starts = (host ?? []).map((name) => [name, join(repository, 'packages/commands', name, 'dist/src/bin.js')])
  if (!host || !starts.every(([, path]) => existsSync(path))) return
  const [entry, source] = [join(home, 'dist/host.js'), hostStart(starts)]
  if (!existsSync(entry) || readFileSync(entry, 'utf8') !== source) writeFileSync(entry, source)
  await bundle(home, entry, join(home, 'dist/host'), true)
}

const wanted = process.argv.slice(2).map((folder) => resolve(folder))
const packages = wanted.length > 0 ? wanted : allPackages()
buildKernels()
for (const home of packages) removeStale(home)
run(join(repository, 'node_modules/typescript/bin/tsc'), ['-b', ...packages], repository)
for (const home of packages) {
  for (const [entry, outdir] of bundlesOf(home)) {
    const made = await bundle(home, entry, outdir)
    if (basename(outdir) === 'bundle') keepDescription(outdir, made)
  }
}
// Whatever was built may be held by a host.
for (const home of allPackages()) await buildHost(home)

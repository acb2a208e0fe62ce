#!/usr/bin/env node
// Imports point down only. Fails on an upward, sideways or circular import, on one that package.json or the project
// references do not declare, and on node: modules or dependencies in packages that must stay pure.
// Usage: check-layers [ROOT]
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** From the ground up. A package may import those of the lines before its own, never its neighbours. */
const LAYERS = [
  ['testing'],
  ['kernels', 'xml'],
  ['math'],
  ['image', 'spectra', 'sky'],
  ['stars', 'registration', 'alerts', 'sensors'],
  ['files'],
  ['fits', 'table', 'config'],
  ['calibrations', 'catalogues', 'plot', 'products', 'scenes', 'spectrographs', 'store', 'web'],
  ['command', 'validations'],
  ['chain', 'messages'],
]
/** Pure numbers: no disk, no clock, no network. `kernels` may use Buffer, which is a global. */
const PURE = ['kernels', 'math', 'image', 'spectra', 'sky', 'stars', 'registration', 'alerts', 'sensors', 'xml']

const root = resolve(process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '..'))
const problems = []

const level = (name) => LAYERS.findIndex((layer) => layer.includes(name))
const folders = (path) =>
  existsSync(path)
    ? readdirSync(path, { withFileTypes: true })
        .filter((e) => e.isDirectory())
        .map((e) => e.name)
        .sort()
    : []
function sources(path) {
  if (!existsSync(path)) return []
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((e) => e.isFile() && /\.m?ts$/.test(e.name))
    .map((e) => join(e.parentPath ?? e.path, e.name))
    .sort()
}
const imports = (text) =>
  [...text.matchAll(/(?:^|[\s}])(?:from|import)\s*\(?\s*['"]([@\w./:-]+)['"]/gm)].map((m) => m[1])
const packageOf = (specifier) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

const libs = folders(join(root, 'packages/libs'))
const commands = folders(join(root, 'packages/commands'))

function checkPackage(kind, name) {
  const home = join(root, 'packages', kind, name)
  const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  const references = JSON.parse(readFileSync(join(home, 'tsconfig.json'), 'utf8')).references ?? []
  const referenced = references.map((r) => r.path.split('/').at(-1))
  const own = kind === 'libs' ? level(name) : LAYERS.length
  if (own < 0) problems.push(`packages/libs/${name}: not in a layer (add it to LAYERS in scripts/check-layers.mjs)`)
  for (const file of [...sources(join(home, 'src')), ...sources(join(home, 'test'))]) {
    const where = file.slice(root.length + 1)
    const isTest = where.includes('/test/')
    for (const specifier of imports(readFileSync(file, 'utf8'))) {
      const reach = specifier.startsWith('.') ? resolve(dirname(file), specifier) : undefined
      if (reach && !reach.startsWith(home)) problems.push(`${where}: ${specifier} reaches into another package`)
      if (specifier.startsWith('node:') && PURE.includes(name) && kind === 'libs' && !isTest) {
        problems.push(`${where}: ${specifier} in a pure package`)
      }
      if (specifier.startsWith('.') || specifier.startsWith('node:')) continue
      checkImport({ where, isTest, specifier: packageOf(specifier), own, name, manifest, referenced })
    }
  }
}

function checkImport({ where, isTest, specifier, own, name, manifest, referenced }) {
  const declared = {
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...(isTest ? manifest.devDependencies : {}),
  }
  if (isTest && specifier === 'tap') return
  if (specifier === manifest.name) return
  if (!(specifier in declared)) problems.push(`${where}: ${specifier} is not in the dependencies of ${manifest.name}`)
  if (!specifier.startsWith('@nightpipe/')) return
  const target = specifier.slice('@nightpipe/'.length)
  if (commands.includes(target)) problems.push(`${where}: imports the command ${target} (start it as a process)`)
  else if (!libs.includes(target)) problems.push(`${where}: ${specifier} does not exist`)
  else if (level(target) >= own) problems.push(`${where}: ${name} imports ${target}, which is not below it`)
  else if (!referenced.includes(target))
    problems.push(`${where}: ${target} is missing in the references of tsconfig.json`)
}

for (const name of libs) checkPackage('libs', name)
for (const name of commands) checkPackage('commands', name)
for (const problem of [...new Set(problems)]) console.error(problem)
if (problems.length) process.exit(1)
console.log(`check-layers: ${libs.length} libraries and ${commands.length} commands, all imports point down`)

// Makes packages/commands/NAME: a minimal command that builds, runs and has a passing test, to be changed into a real one.
// Usage: scripts/new-command NAME "what it does, in one line" [--root DIR]
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const here = dirname(fileURLToPath(import.meta.url))

function fail(message) {
  console.error(`new-command: ${message}`)
  process.exit(2)
}

function readArguments() {
  try {
    return parseArgs({ allowPositionals: true, options: { root: { type: 'string' } } })
  } catch (error) {
    fail(error.message)
  }
}

const { positionals, values } = readArguments()
const [name, summary] = positionals
const root = resolve(values.root ?? join(here, '..'))
if (!name || !summary || positionals.length > 2) fail('usage: scripts/new-command NAME "what it does, in one line"')
if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) fail(`'${name}' is not lower-case words with hyphens`)
if (/[\n`$\\"]/.test(summary)) fail('the summary is one line without quotes, backticks, $ and backslashes')
for (const kind of ['commands', 'libs']) {
  if (existsSync(join(root, 'packages', kind, name))) fail(`packages/${kind}/${name} exists already`)
}

/** `stack-calibrations` in code: stackCalibrations. */
const identifier = name.replace(/-(.)/g, (_, letter) => letter.toUpperCase())
const filled = (text) =>
  text.replaceAll('NAME', name).replaceAll('IDENTIFIER', identifier).replaceAll('SUMMARY', summary)

const home = join(root, 'packages/commands', name)
cpSync(join(here, 'command-template'), home, { recursive: true })
for (const entry of readdirSync(home, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue
  const path = join(entry.parentPath ?? entry.path, entry.name)
  const literal = summary.includes("'") ? `"${summary}"` : `'${summary}'`
  const text = readFileSync(path, 'utf8').replaceAll("'SUMMARY'", literal)
  writeFileSync(path, filled(text))
  // The templates of the sources end in .txt, so that no tool takes them for a package of their own.
  renameSync(path, join(dirname(path), filled(basename(path)).replace(/\.txt$/, '')))
}

// The front door lists its dependencies.
const frontDoor = join(root, 'packages/commands/nightpipe/package.json')
if (existsSync(frontDoor)) {
  const manifest = JSON.parse(readFileSync(frontDoor, 'utf8'))
  const dependencies = { ...manifest.dependencies, [`@nightpipe/${name}`]: '0.1.0' }
  const sorted = Object.fromEntries(Object.entries(dependencies).sort(([a], [b]) => (a < b ? -1 : 1)))
  writeFileSync(frontDoor, `${JSON.stringify({ ...manifest, dependencies: sorted }, null, 2)}\n`)
}

console.log(`packages/commands/${name} is there. Now:
  npm install && npm run build
  (cd packages/commands/${name} && npx tap)
  node scripts/build-docs.mjs    # its manual page and sample INI
Then change src/command.ts, and add a line to CHANGELOG.md.`)

#!/usr/bin/env node
// Writes what follows from the commands' own descriptions: docs/commands/*.md, configs/samples/*.ini, and the line in
// each package.json that `nightpipe list` prints. Run it after a build. With --check nothing is written: the files that
// are stale are named, and the exit code is 4.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { frontDoorPage, indexPage, manualPage } from './manual-page.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const commands = join(root, 'packages/commands')
const check = process.argv.includes('--check')

const read = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined)
const fileName = (command) => command.replaceAll(' ', '-')

/** What an executable says of itself; undefined for one that is not written yet. */
function ask(name) {
  const bin = join(commands, name, 'bin', `${name}.js`)
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, '--describe'], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  if (status !== 0) throw new Error(`${name} --describe: ${stderr || `exit ${status}`} (npm run build first)`)
  return stdout ? JSON.parse(stdout) : undefined
}

/** Everything that should be on disk: path to text. */
function wanted() {
  const files = new Map()
  const listed = []
  for (const name of readdirSync(commands).sort()) {
    const about = ask(name)
    if (!about) continue
    if (about.verbs) {
      files.set(`docs/commands/${name}.md`, frontDoorPage(about))
      continue
    }
    const pages = about.subcommands ?? [about]
    for (const page of pages) {
      files.set(`docs/commands/${fileName(page.name)}.md`, manualPage(page, fileName(page.name)))
      if (page.sample) files.set(`configs/samples/${fileName(page.name)}.ini`, page.sample)
      listed.push(page)
    }
    const summary = pages.length === 1 ? pages[0].summary : pages.map((page) => page.name.split(' ')[1]).join(', ')
    const manifest = join('packages/commands', name, 'package.json')
    const json = JSON.parse(readFileSync(join(root, manifest), 'utf8'))
    files.set(manifest, `${JSON.stringify({ ...json, description: summary }, null, 2)}\n`)
  }
  files.set('docs/commands/README.md', indexPage(listed, fileName))
  return files
}

const files = wanted()
const stale = [...files].filter(([path, text]) => read(join(root, path)) !== text).map(([path]) => path)
for (const folder of ['docs/commands', 'configs/samples']) {
  const there = existsSync(join(root, folder)) ? readdirSync(join(root, folder)) : []
  stale.push(...there.map((name) => `${folder}/${name}`).filter((path) => !files.has(path)))
}
for (const path of stale) console.log(path)
if (!check) {
  for (const path of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    if (files.has(path)) writeFileSync(join(root, path), files.get(path))
    else rmSync(join(root, path))
  }
} else if (stale.length) {
  console.error('stale: run node scripts/build-docs.mjs')
  process.exitCode = 4
}

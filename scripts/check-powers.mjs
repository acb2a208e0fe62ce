#!/usr/bin/env node
// The last bits of `**` and Math.pow are not the same in every Node: sources raise to powers by `power` of @nightpipe/math.
// Squares, and whole powers of 2 and 4, are the same everywhere. Usage: check-powers [ROOT]
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '..'))
const isComment = (line) => /^\s*(\/\/|\/?\*)/.test(line)
const isSame = (line) => /\b[24] \*\* [\w(]/.test(line) && !/\b[24] \*\* \([^)]*[/.]/.test(line)

function* sources() {
  for (const kind of ['libs', 'commands']) {
    const home = join(root, 'packages', kind)
    for (const name of existsSync(home) ? readdirSync(home).sort() : []) {
      const folder = join(home, name, 'src')
      if (!existsSync(folder)) continue
      for (const path of readdirSync(folder, { recursive: true }).sort())
        if (path.endsWith('.ts') && !path.startsWith('generated')) yield join('packages', kind, name, 'src', path)
    }
  }
}

const problems = []
for (const path of sources()) {
  for (const [k, line] of readFileSync(join(root, path), 'utf8').split('\n').entries()) {
    if (isComment(line)) continue
    const rest = line.replaceAll(/ \*\* (2\b(?!\.)|\d+n\b)/g, '')
    if (/Math\.pow\b/.test(rest) || (/\S \*\* /.test(rest) && !isSame(rest)))
      problems.push(`${path}:${k + 1}: ${line.trim()}`)
  }
}
for (const problem of problems) console.error(problem)
if (problems.length > 0) {
  console.error('raise to powers by `power` of @nightpipe/math: the last bits of ** differ between versions of Node')
  process.exit(1)
}
console.log('check-powers: the same powers everywhere')

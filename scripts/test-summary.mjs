// Counts the tests of every package from what tap wrote, names those that were skipped and why, and closes with one
// plain line. Usage: test-summary STATUS
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const status = Number(process.argv[2] ?? 0)
const results = []

function readResults(folder, owner) {
  if (!existsSync(folder)) return
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.tap')) continue
    const text = readFileSync(join(entry.parentPath ?? entry.path, entry.name), 'utf8')
    for (const line of text.split('\n')) {
      const match = /^(not )?ok \d+ - (.*)$/.exec(line)
      if (!match) continue
      const [, failed, rest] = match
      const [name, directive = ''] = rest.split(/ # (?=SKIP|TODO|time=)/)
      const skipped = /^(SKIP|TODO)\s*(.*)$/.exec(directive)
      results.push({ owner, name: name.trim(), failed: Boolean(failed) && !skipped, skipped: skipped?.[2] })
    }
  }
}

for (const kind of ['libs', 'commands']) {
  for (const name of readdirSync(join('packages', kind)).sort()) {
    readResults(join('packages', kind, name, '.tap/test-results'), name)
  }
}

readResults('.tap/test-results', 'scripts')

const skipped = results.filter((r) => r.skipped !== undefined)
const failed = results.filter((r) => r.failed)
for (const { owner, name, skipped: reason } of skipped)
  console.log(`skipped: ${owner}: ${name}${reason ? ` (${reason})` : ''}`)
for (const { owner, name } of failed) console.log(`failed: ${owner}: ${name}`)
const failures = Math.max(failed.length, status === 0 ? 0 : 1)
console.log(`${results.length - skipped.length - failed.length} passed, ${failures} failed, ${skipped.length} skipped`)
process.exit(status !== 0 || failed.length > 0 || results.length === 0 ? 1 : 0)

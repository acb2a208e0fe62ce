import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { manualPage } from '../manual-page.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const node = (...args) => spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })

t.test(
  'the manual, the sample INIs and the lines of `nightpipe list` are what the commands say of themselves',
  async (t) => {
    const { status, stdout, stderr } = node('scripts/build-docs.mjs', '--check')
    t.equal(status, 0, `stale, run npm run docs:\n${stdout}${stderr}`)
  },
)

t.test('every sample INI is one that its command accepts', async (t) => {
  for (const name of readdirSync(join(root, 'configs/samples'))) {
    const command = readFileSync(join(root, 'docs/commands', name.replace('.ini', '.md')), 'utf8').match(/^# (.*)$/m)[1]
    const [program, ...subcommand] = command.split(' ')
    const bin = join('packages/commands', program, 'bin', `${program}.js`)
    const { status, stderr } = node(bin, ...subcommand, '--config', join('configs/samples', name), '--print-config')
    // Keys without default are left out of the sample on purpose.
    t.ok(status === 0 || /must be given|is missing|required/.test(stderr), `${name}: ${stderr}`)
  }
})

t.test('what would break a table of the manual is escaped', async (t) => {
  const page = manualPage(
    {
      name: 'x',
      summary: 'does x',
      usage: 'x',
      description: '',
      examples: [],
      flags: [{ name: 'f', type: 'text', doc: 'a|b\nc', common: true }],
      config: [],
      tables: [{ name: 'x', columns: [] }],
      exitCodes: [],
    },
    'x',
  )
  t.match(page, '| `--f VALUE` | a\\|b c |')
})

t.test('every decision has a number of its own, and says it', async (t) => {
  const names = readdirSync(join(root, 'docs/decisions')).filter((name) => /^\d/.test(name))
  const numbers = names.map((name) => Number(name.slice(0, 4)))
  t.same(numbers, [...new Set(numbers)])
  for (const [k, name] of names.entries()) {
    const [title] = readFileSync(join(root, 'docs/decisions', name), 'utf8').split('\n')
    t.ok(title.startsWith(`# ${numbers[k]}. `), `${name}: ${title}`)
  }
})

t.test('every link between the pages leads somewhere', async (t) => {
  const tracked = spawnSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' }).stdout.trim().split('\n')
  t.ok(tracked.length > 20)
  for (const page of tracked) {
    const links = [...readFileSync(join(root, page), 'utf8').matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, link]) => link)
    const dead = links.filter((link) => !/^[a-z]+:/.test(link) && !existsSync(join(root, dirname(page), link)))
    t.same(dead, [], page)
  }
})

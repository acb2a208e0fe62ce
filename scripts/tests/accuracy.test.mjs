import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { withSections } from '../truth/page.mjs'

const root = join(fileURLToPath(import.meta.url), '../../..')
const accuracy = (...args) =>
  spawnSync(process.execPath, [join(root, 'scripts/accuracy.mjs'), ...args], { encoding: 'utf8' })

t.test('sections of the page are replaced by name, others stay, new ones follow', async (t) => {
  const page = '# Accuracy\nIntro.\n\n## One\n\nold\n\n## Two\n\nstays\n'
  t.equal(
    withSections(page, '## One\n\nnew\n\n## Three\n\nmore\n'),
    '# Accuracy\nIntro.\n\n## One\n\nnew\n\n## Two\n\nstays\n\n## Three\n\nmore\n',
  )
})

t.test('a small night meets what is required of it', async (t) => {
  for (const only of ['round-trip', 'same-bytes']) {
    const { status, stdout, stderr } = accuracy('--quick', '--only', only)
    t.equal(status, 0, stderr)
    t.match(stdout, /^## /)
    t.notMatch(stdout, /MISSED/)
  }
})

t.test('a value that is missed ends with 4', async (t) => {
  // Without a simulator nothing can be measured: every line is a miss, and says why.
  const done = spawnSync(
    process.execPath,
    [join(root, 'scripts/accuracy.mjs'), '--quick', '--only', 'same', '--size', '4'],
    {
      encoding: 'utf8',
    },
  )
  t.equal(done.status, 4)
  t.match(done.stdout, /MISSED/)
})

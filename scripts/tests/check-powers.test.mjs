import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const script = join(dirname(fileURLToPath(import.meta.url)), '..', 'check-powers.mjs')
const check = (root) => spawnSync(process.execPath, [script, root], { encoding: 'utf8' })
const sources = (t, text) => t.testdir({ packages: { libs: { sky: { src: { 'a.ts': text } } } } })

t.test('the repository itself passes', async (t) => {
  t.match(check(join(dirname(script), '..')), { status: 0, stderr: '' })
})

t.test('a power whose last bits depend on Node is named, with its place', async (t) => {
  for (const line of [
    'x ** 3',
    '10 ** (-0.4 * m)',
    'Math.pow(x, y)',
    '2 ** (1 / beta)',
    'x ** 2.5',
    'y ** 2 + x ** n',
  ]) {
    t.match(check(sources(t, `\nconst a = ${line}\n`)), {
      status: 1,
      stderr: `packages/libs/sky/src/a.ts:2: const a = ${line}`,
    })
  }
})

t.test('squares, bytes and remarks are not', async (t) => {
  const text = '// x ** 3\n/** x ** 3 */\nconst a = x ** 2 + (y ** 2) + 2 ** 20 + 2 ** order + 4 ** order + 2n ** 63n\n'
  t.match(check(sources(t, text)), { status: 0, stderr: '' })
})

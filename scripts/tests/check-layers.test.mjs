import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const script = join(dirname(fileURLToPath(import.meta.url)), '..', 'check-layers.mjs')
const check = (root) => spawnSync(process.execPath, [script, root], { encoding: 'utf8' })

/** A tree of packages: { 'libs/math': { imports: ['@nightpipe/kernels'], declares: […] } }. */
function tree(t, packages) {
  const root = t.testdir()
  for (const [path, { imports = [], declares = imports }] of Object.entries(packages)) {
    const home = join(root, 'packages', path)
    mkdirSync(join(home, 'src'), { recursive: true })
    const name = path.split('/')[1]
    const dependencies = Object.fromEntries(declares.map((d) => [d, '0.1.0']))
    writeFileSync(join(home, 'package.json'), JSON.stringify({ name: `@nightpipe/${name}`, dependencies }))
    const references = declares
      .filter((d) => d.startsWith('@nightpipe/'))
      .map((d) => ({ path: `../../libs/${d.split('/')[1]}` }))
    writeFileSync(join(home, 'tsconfig.json'), JSON.stringify({ references }))
    writeFileSync(join(home, 'src/index.ts'), imports.map((i) => `import { a } from '${i}'\n`).join(''))
  }
  return root
}

t.test('the repository itself passes', async (t) => {
  const { status, stdout, stderr } = check(join(dirname(script), '..'))
  t.equal(stderr, '')
  t.match(stdout, 'all imports point down')
  t.equal(status, 0)
})

const broken = {
  'an upward import': [
    { 'libs/math': { imports: ['@nightpipe/fits'] }, 'libs/fits': {} },
    'math imports fits, which is not below it',
  ],
  'a neighbour': [
    { 'libs/fits': { imports: ['@nightpipe/table'] }, 'libs/table': {} },
    'fits imports table, which is not below it',
  ],
  'a command imported by a command': [
    { 'commands/pipeline': { imports: ['@nightpipe/reduction'] }, 'commands/reduction': {} },
    'imports the command reduction',
  ],
  'an undeclared import': [
    { 'libs/fits': { imports: ['@nightpipe/math'], declares: [] }, 'libs/math': {} },
    '@nightpipe/math is not in the dependencies',
  ],
  'the disk in pure science': [{ 'libs/image': { imports: ['node:fs'], declares: [] } }, 'node:fs in a pure package'],
  'a path into another package': [
    { 'libs/fits': { imports: ['../../math/src/index.js'], declares: [] }, 'libs/math': {} },
    'reaches into another package',
  ],
  'a library without a layer': [{ 'libs/misc': {} }, 'not in a layer'],
}

for (const [what, [packages, message]] of Object.entries(broken)) {
  t.test(`${what} is refused`, async (t) => {
    const { status, stderr } = check(tree(t, packages))
    t.equal(status, 1)
    t.match(stderr, message)
  })
}

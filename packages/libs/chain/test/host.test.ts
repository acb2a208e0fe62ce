import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hostFlags } from '@nightpipe/command'
import t from 'tap'

const HOST = join(dirname(fileURLToPath(import.meta.url)), '../host')

/** Says of each script in a folder whether V8 refuses the code that was made of it ahead. */
const REFUSED = `
  const { readdirSync, readFileSync } = require('node:fs')
  const { Script } = require('node:vm')
  const folder = process.argv[1] + '/'
  const refused = (name) => {
    const cachedData = readFileSync(folder + name.replace(/cjs$/, 'cache'))
    return new Script(readFileSync(folder + name, 'latin1'), { filename: folder + name, cachedData }).cachedDataRejected
  }
  const names = readdirSync(folder).filter((name) => name.endsWith('.cjs') && name !== 'start.cjs')
  console.log(JSON.stringify(Object.fromEntries(names.map((name) => [name, refused(name)]))))`

t.test('a host takes the code that was made of it when it was built', async (t) => {
  const [kernels] = readdirSync(HOST).filter((name) => /^kernels-.*\.cache$/.test(name))
  t.ok(kernels, 'of its kernels, too')
  if (!kernels?.includes(process.versions.v8)) return t.pass('built by another Node, whose code none else takes')
  const { stdout } = spawnSync(process.execPath, [...hostFlags(process.versions.node), '-e', REFUSED, HOST], {
    encoding: 'utf8',
  })
  t.match(JSON.parse(stdout), { 'main.cjs': false, 'yargs.cjs': false })
})

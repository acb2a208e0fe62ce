import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { node } from '@nightpipe/testing'
import t from 'tap'
import { readStandards } from '../src/index.js'

const worker = fileURLToPath(new URL('add-standards.js', import.meta.url))

t.test('five workers at once on one table lose no row and write none twice', async (t) => {
  const folder = t.testdir({ csv: {} })
  mkdirSync(join(folder, 'bias'))
  const codes = [0, 1, 2, 3, 3].map(
    (first) =>
      new Promise((resolve) => {
        spawn(...node(worker, folder, 'cpt', String(first)), { stdio: 'inherit' }).on('exit', resolve)
      }),
  )
  t.same(await Promise.all(codes), [0, 0, 0, 0, 0])
  const names = readStandards({ folder }).map(({ Filename }) => Filename)
  t.equal(names.length, 40)
  t.equal(new Set(names).size, 40)
})

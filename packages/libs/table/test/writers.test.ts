import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { removeStaleParts } from '@nightpipe/files'
import { node } from '@nightpipe/testing'
import t from 'tap'
import { checkTable, readTable } from '../src/index.js'
import { counted } from './writer.js'

const program = new URL('./writer.js', import.meta.url).pathname

/** A process that adds rows `<name>-000`, `<name>-001`, … and says each that is on disk. */
function writer(folder: string, name: string, rows: number): { child: ChildProcess; said: () => string[] } {
  const child = spawn(...node(program, join(folder, 'state.csv'), name, String(rows)), {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout!.on('data', (piece) => (text += piece))
  return { child, said: () => text.split('\n').slice(0, -1) }
}

t.test('ten writers at once lose no row and write none twice', async (t) => {
  const folder = t.testdir({ 'state.csv': 'name,round,by\n' })
  const writers = Array.from({ length: 10 }, (_, i) => writer(folder, `w${i}`, 12))
  await Promise.all(writers.map(({ child }) => once(child, 'close')))
  const path = join(folder, 'state.csv')
  t.same(checkTable(path, counted), [])
  t.equal(readTable(path, counted).filter((row) => row.name !== 'total').length, 120)
  t.equal(readTable(path, counted).find((row) => row.name === 'total')?.round, 120, 'read, add one, write: 120 times')
  t.same(readdirSync(folder), ['state.csv'])
})

t.test('writers killed in the middle take nothing with them, and the others go on', async (t) => {
  const folder = t.testdir({})
  const path = join(folder, 'state.csv')
  const lasting = [writer(folder, 'a', 15), writer(folder, 'b', 15)]
  const killed: string[] = []
  for (let k = 0; k < 8; k++) {
    const victim = writer(folder, `v${k}`, 1e6)
    // Once it is at work, however slow the machine: then at another moment of its round each time.
    await once(victim.child.stdout!, 'data')
    await new Promise((resolve) => setTimeout(resolve, 1 + 7 * k))
    victim.child.kill('SIGKILL')
    await once(victim.child, 'close')
    killed.push(...victim.said())
  }
  await Promise.all(lasting.map(({ child }) => child.exitCode ?? once(child, 'close')))
  t.same(checkTable(path, counted), [])
  const rows = readTable(path, counted)
  const names = new Set(rows.map((row) => row.name))
  t.ok(killed.length > 0, `${killed.length} rows by the killed`)
  t.same(
    [...killed, ...lasting.flatMap(({ said }) => said())].filter((name) => !names.has(name)),
    [],
  )
  t.equal(lasting.flatMap(({ said }) => said()).length, 30)
  const total = rows.find((row) => row.name === 'total')?.round ?? 0
  const written = rows.length - 1
  t.ok(total >= written && total <= written + 8, 'each kill may come between the two edits of a writer')
  removeStaleParts(folder)
  t.same(readdirSync(folder), ['state.csv'])
  t.ok(readFileSync(path, 'utf8').endsWith('\n'))
})

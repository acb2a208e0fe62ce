import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { appendRows, defineTable, readTable } from '../src/index.js'

const events = defineTable({
  name: 'events.csv',
  columns: [
    { name: 'id', type: 'text', doc: 'which', required: true },
    { name: 'count', type: 'integer', doc: 'how many' },
    { name: 'note', type: 'text', doc: 'what was odd' },
  ],
  key: ['id'],
  sort: [],
})

t.test('rows come to the end, whatever the order of the columns, and the rest stays as it is spelt', async (t) => {
  const path = join(t.testdir({ 'events.csv': 'count,extra,id,note\n 07 ,x,a,\n' }), 'events.csv')
  await appendRows(path, events, [{ id: 'b', count: 2, note: 'with, comma' }])
  await appendRows(path, events, [{ id: 'c' }, { id: 'd', count: 4 }])
  t.equal(readFileSync(path, 'utf8'), 'count,extra,id,note\n 07 ,x,a,\n2,,b,"with, comma"\n,,c,\n4,,d,\n')
})

t.test('a table that is not there yet is made; one that lacks a column gets it', async (t) => {
  const folder = t.testdir({ 'old.csv': 'id\na\n' })
  await appendRows(join(folder, 'events.csv'), events, [{ id: 'a', count: 1 }])
  t.equal(readFileSync(join(folder, 'events.csv'), 'utf8'), 'id,count,note\na,1,\n')
  await appendRows(join(folder, 'old.csv'), events, [{ id: 'b', count: 1 }])
  t.equal(readTable(join(folder, 'old.csv'), events).length, 2)
})

t.test('a line that a kill has torn is taken off', async (t) => {
  const path = join(t.testdir({}), 'events.csv')
  writeFileSync(path, 'id,count,note\na,1,\n')
  appendFileSync(path, 'b,2')
  await appendRows(path, events, [{ id: 'c', count: 3 }])
  t.same(
    readTable(path, events).map(({ id }) => id),
    ['a', 'c'],
  )
})

t.test('a table that is sorted takes no rows at its end', async (t) => {
  const sorted = defineTable({ ...events, sort: ['id'] })
  await t.rejects(appendRows(join(t.testdir({}), 'events.csv'), sorted, [{ id: 'a' }]), /out of order/)
})

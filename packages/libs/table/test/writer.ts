// A process of its own: node writer.js TABLE NAME ROWS. Says a name once its row is on disk.
import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineTable, editTable, upsertRows } from '../src/index.js'

export const counted = defineTable({
  name: 'state.csv',
  columns: [
    { name: 'name', type: 'text', doc: 'of the row', required: true },
    { name: 'round', type: 'integer', doc: 'which of the writer, or how many in all' },
    { name: 'by', type: 'text', doc: 'the writer' },
  ],
  key: ['name'],
})

async function write(path: string, by: string, rows: number): Promise<void> {
  for (let round = 0; round < rows; round++) {
    const name = `${by}-${String(round).padStart(3, '0')}`
    await editTable(path, counted, (all) => {
      const total = all.find((row) => row.name === 'total')?.round ?? 0
      return [...all.filter((row) => row.name !== 'total'), { name: 'total', round: total + 1, by: 'all, "together"' }]
    })
    await upsertRows(path, counted, [{ name, round, by }])
    console.log(name)
  }
}

const [, program, path, by, rows] = process.argv
if (program && path && by && realpathSync(program) === fileURLToPath(import.meta.url))
  await write(path, by, Number(rows))

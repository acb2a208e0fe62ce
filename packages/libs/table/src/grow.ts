import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { explainSystemError } from '@nightpipe/files'
import type { Cell, TableSpec } from './define.js'
import { layOut } from './layout.js'
import { textWithRows } from './rewrite.js'

/** More than the heads of tables have, and than a row has. */
const PIECE = 65536

/** Writes rows at the end of a table; false where that is not enough: no file yet, or a head that lacks one of our columns. */
export function appendLines(path: string, spec: TableSpec, rows: readonly Record<string, Cell>[]): boolean {
  if (!existsSync(path)) return false
  try {
    const file = openSync(path, 'r+')
    try {
      const head = headOf(file)
      if (head === undefined || spec.columns.some(({ name }) => !head.split(',').includes(name))) return false
      const text = textWithRows(layOut(`${head}\n`, path, spec), spec, rows)
      const lines = Buffer.from(text.slice(text.indexOf('\n') + 1))
      const end = wholeEnd(file)
      ftruncateSync(file, end)
      // One write: a kill cannot come in between.
      writeSync(file, lines, 0, lines.length, end)
      fsyncSync(file)
      return true
    } finally {
      closeSync(file)
    }
  } catch (error) {
    throw explainSystemError(error, 'change', path)
  }
}

function headOf(file: number): string | undefined {
  const piece = Buffer.alloc(PIECE)
  const text = piece.toString('utf8', 0, readSync(file, piece, 0, PIECE, 0))
  const end = text.indexOf('\n')
  return end < 0 || text.startsWith('\ufeff') || text.includes('\r') ? undefined : text.slice(0, end)
}

/** Where the last whole line ends. */
function wholeEnd(file: number): number {
  const { size } = fstatSync(file)
  const from = Math.max(0, size - PIECE)
  const tail = Buffer.alloc(size - from)
  readSync(file, tail, 0, tail.length, from)
  return from + tail.lastIndexOf(10) + 1
}

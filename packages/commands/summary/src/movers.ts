import { join } from 'node:path'
import { parseCsv, textOfTable } from '@nightpipe/table'
import type { Candidate } from './field.js'

type Mover = NonNullable<Candidate['mover']>

/** Which candidates of the frames in a folder belong to something that moves, by what `subtraction` wrote beside them. */
export function moversIn(folder: string): (stem: string, number: number | undefined) => Mover | undefined {
  const movers = new Map(recordsOf(join(folder, 'movers.csv')).map((row) => [row.mover!, moverOf(row)]))
  const rows = recordsOf(join(folder, 'candidates.csv')).filter(({ mover }) => mover)
  const names = new Map(rows.map(({ frame, number, mover }) => [`${frame} ${number}`, mover!]))
  return (stem, number) => movers.get(names.get(`${stem} ${number}`) ?? '')
}

function moverOf(row: Record<string, string>): Mover {
  const rate = (text: string | undefined, unit: Mover['unit']) => (text ? { rate: Number(text), unit } : undefined)
  const told = rate(row.rate_arcsec_h, 'arcsec/h') ?? rate(row.rate_px_h, 'px/h')!
  return { name: row.mover!, ...told }
}

function recordsOf(path: string): Record<string, string>[] {
  const [head = [], ...lines] = parseCsv(textOfTable(path) ?? '', path).map(({ cells }) => cells)
  return lines.map((cells) => Object.fromEntries(head.map((name, k) => [name, cells[k] ?? ''])))
}

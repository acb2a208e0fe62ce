import { DataError } from '@nightpipe/files'
import type { HandTrace } from '@nightpipe/spectra'

/**
 * The text of a hand trace: a line of comment; `nfib 2 0 1` (how many fibres were traced, and which); `iord x1 x2 …` (the
 * columns, from 0); then for each order a row per fibre, `iord y1 y2 …`. Files of 2017 have more numbers in the second
 * line: columns, terms, orders, height of an order, median box.
 */
export function parseHandTrace(text: string, name: string): HandTrace {
  const [comment = '', ...lines] = text.split(/\r?\n/)
  const fail = (line: number, what: string): never => {
    throw new DataError(`${name}:${line}: ${what}`, 'a hand trace is described in the guide, traces.md')
  }
  const words = lines.map((line) => line.trim().split(/\s+/).filter(Boolean))
  const numbered = words.map((list, k) => ({ line: k + 2, list })).filter(({ list }) => list.length > 0)
  const [fibreLine, columnLine, ...rows] = numbered
  if (fibreLine?.list[0]?.toLowerCase() !== 'nfib')
    fail(fibreLine?.line ?? 2, "expected 'nfib', the number of fibres and which they are")
  const { fibres, width, orders } = fibreNumbers(fibreLine!.list, (what) => fail(fibreLine!.line, what))
  if (columnLine?.list[0]?.toLowerCase() !== 'iord')
    fail(columnLine?.line ?? 3, "expected 'iord' and the columns that were traced")
  const numbersOf = (list: string[], line: number) =>
    list.map((word) => (Number.isFinite(Number(word)) ? Number(word) : fail(line, `'${word}' is no number`)))
  const x = numbersOf(columnLine!.list.slice(1), columnLine!.line)
  if (x.length < 3) fail(columnLine!.line, `${x.length} columns, 3 are needed for a parabola`)
  const traced = new Map<number, number[][]>()
  for (const { line, list } of rows) {
    const [order, ...y] = numbersOf(list, line)
    if (y.length !== x.length) fail(line, `${y.length} positions for ${x.length} columns`)
    if (!Number.isInteger(order) || order! < 0) fail(line, `order ${order} is no whole number from 0 on`)
    const own = traced.get(order!) ?? []
    if (own.push(y) > fibres.length) fail(line, `more than ${fibres.length} rows for order ${order}`)
    traced.set(order!, own)
  }
  const short = [...traced].find(([, own]) => own.length < fibres.length)
  if (short) fail(lines.length + 1, `order ${short[0]} has ${short[1].length} of ${fibres.length} rows`)
  if (traced.size === 0) fail(lines.length + 1, 'no order is traced')
  const sorted = [...traced].sort(([a], [b]) => a - b)
  return { comment, fibres, x, orders: sorted.map(([index, y]) => ({ index, y })), width, orderCount: orders }
}

/** `nfib 2 0 1`, or with more: `nfib 3 2 1 2 4096 3 64 10.5 17`, where all fibres are counted before those traced. */
function fibreNumbers(list: string[], fail: (what: string) => never) {
  const numbers = list.slice(1).map(Number)
  if (numbers.some((n) => !Number.isFinite(n))) fail(`'${list.join(' ')}' has a word that is no number`)
  const long = numbers.length > numbers[0]! + 1 && numbers.length >= 7
  const [count, ...others] = long ? numbers.slice(1) : numbers
  const fibres = others.slice(0, count)
  if (!count || fibres.length < count || fibres.some((f) => !Number.isInteger(f) || f < 0 || f > 9)) {
    fail(`'${list.join(' ')}' does not name ${count || 'any'} fibres`)
  }
  if (!long && others.length > count!) fail(`'${list.join(' ')}' names more fibres than ${count}`)
  return {
    fibres,
    ...(long ? { width: others[count!], orders: others[count! + 2] } : { width: undefined, orders: undefined }),
  }
}

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type FitsFrame, numberOf, readFrame, textOf } from '@nightpipe/fits'
import { commandLine, finish } from '@nightpipe/testing'

/** The executable as a person calls it. */
export function run(input: string | string[], output: string, ...args: string[]) {
  const inputs = [input].flat().flatMap((path) => ['--input', path])
  return call(...inputs, '--output', output, '--quiet', ...args)
}

/** The executable with these arguments and no others. */
export const call = (...args: string[]) => finish(commandLine('stack-calibrations', ...args))

/** The report by file name of the input. */
export function report(output: string): Map<string, Record<string, string>> {
  return new Map(csv(join(output, 'stack-calibrations.csv')).map((row) => [row.input.split('/').at(-1)!, row]))
}

export function csv(path: string): Record<string, string>[] {
  const [head, ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n').map(cells)
  return lines.map((line) => Object.fromEntries(head.map((name, k) => [name, line[k]])))
}

/** Cells of a line of CSV, quoted ones too. */
const cells = (line: string) =>
  [...line.matchAll(/(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/g)]
    .map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain)
    .slice(0, -1)

export interface Master extends FitsFrame {
  error: Float32Array
  mask: Int16Array
  number(keyword: string): number
  text(keyword: string): string | undefined
}

export function master(output: string, name: string): Master {
  const frame = readFrame(join(output, name))
  return {
    ...(frame as FitsFrame & { error: Float32Array; mask: Int16Array }),
    number: (keyword) => numberOf(frame.header, keyword) ?? Number.NaN,
    text: (keyword) => textOf(frame.header, keyword),
  }
}

/** How far unmasked pixels are from the truth, in their own errors and in all. */
export function againstTruth({ pixels, error, mask }: Master, truth: Float32Array | ((p: number) => number)) {
  const of = typeof truth === 'function' ? truth : (p: number) => truth[p]
  let [n, sum, squares, distances] = [0, 0, 0, 0]
  for (let p = 0; p < pixels.length; p++) {
    if (mask[p] !== 0) continue
    const distance = pixels[p] - of(p)
    const pull = distance / error[p]
    n++
    sum += pull
    squares += pull * pull
    distances += distance * distance
  }
  const mean = sum / n
  return { n, mean, sigma: Math.sqrt(squares / n - mean * mean), rms: Math.sqrt(distances / n) }
}

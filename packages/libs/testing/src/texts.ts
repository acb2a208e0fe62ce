/** Keys of a configuration as arguments. */
export const set = (...settings: string[]) => settings.flatMap((one) => ['--set', one])

/** A report of plain cells, without quotes, as rows of cells by column. */
export function rowsOf(csv: string): Record<string, string>[] {
  const [head, ...lines] = csv
    .trim()
    .split('\n')
    .map((line) => line.split(','))
  return lines.map((cells) => Object.fromEntries(cells.map((cell, k) => [head![k]!, cell])))
}

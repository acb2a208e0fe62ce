// The table of scripts/accuracy: what was measured, what is required, what is aimed at.

/** A number with as many digits as it deserves. */
export function shown(value) {
  if (!Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(1)
  return String(Number(value.toFixed(size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4)))
}

/**
 * One line of the table. `limit` and `target` are `{ most }`, `{ least }` or both; `unit` stands behind numbers; `note`
 * behind what was measured. Without a limit the line informs, and cannot be missed.
 */
export function line(group, what, measured, { limit, target, unit = '', note = '', size = 'value' } = {}) {
  return { ...{ group, what, measured, limit, target, unit, note, size } }
}

/** What could not be measured here, by name. */
export const skipped = (group, what, reason) => ({ group, what, skipped: reason })

/** What a measurement gives, or the line of one that failed: that is a miss too. */
export function attempt(group, what, measure) {
  try {
    return measure()
  } catch (error) {
    return [{ group, what, failed: error.message.split('\n').slice(0, 2).join(' ').replaceAll('|', '/') }]
  }
}

const meets = (value, bounds) =>
  !bounds || (value <= (bounds.most ?? Number.POSITIVE_INFINITY) && value >= (bounds.least ?? Number.NEGATIVE_INFINITY))

/** The size of the measured value is what counts where a line says so: means may be off to either side. */
const judged = ({ measured, size }) => (size === 'absolute' ? Math.abs(measured) : measured)

export function verdictOf(row) {
  if (row.skipped) return 'skipped'
  if (row.failed || !meets(judged(row), row.limit)) return 'MISSED'
  if (!meets(judged(row), row.target)) return 'short of target'
  return row.limit || row.target ? 'met' : ''
}

function bounds(said, unit) {
  if (!said) return ''
  const { least, most } = said
  if (least !== undefined && most !== undefined) return `${shown(least)} to ${shown(most)}${unit}`
  return least === undefined ? `at most ${shown(most)}${unit}` : `at least ${shown(least)}${unit}`
}

export const missed = (rows) => rows.filter((row) => verdictOf(row) === 'MISSED')

/** The table as Markdown, one heading for each group. */
export function tableOf(rows) {
  const groups = [...new Set(rows.map(({ group }) => group))]
  return groups
    .map((group) => {
      const lines = rows.filter((row) => row.group === group).map(cells)
      return `## ${group}\n\n| what | required | target | measured | verdict |\n|---|---|---|---|---|\n${lines.join('\n')}\n`
    })
    .join('\n')
}

function cells(row) {
  if (row.skipped || row.failed) return `| ${row.what} | | | ${row.skipped ?? row.failed} | ${verdictOf(row)} |`
  const unit = row.unit ? ` ${row.unit}` : ''
  const measured = `${shown(row.measured)}${unit}${row.note ? `, ${row.note}` : ''}`
  return `| ${row.what} | ${bounds(row.limit, unit)} | ${bounds(row.target, unit)} | ${measured} | ${verdictOf(row)} |`
}

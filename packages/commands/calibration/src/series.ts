import { type Conducting, ConfigError, defineConductor, Exit } from '@nightpipe/command'
import { path } from '@nightpipe/config'
import { writeFigure } from '@nightpipe/plot'
import { formatCsv } from '@nightpipe/table'
import {
  differencesFigure,
  groupOf,
  levelsFigure,
  mjdOf,
  readHistory,
  type ValidationRow,
} from '@nightpipe/validations'

const schema = { store: { bank: path('.', 'folder with validations.csv') } }

/** The numbers of validations over time. */
export const calibrationSeries = defineConductor({
  name: 'calibration',
  subcommand: 'series',
  summary: 'what validations found over time, by type, instrument and filter; as CSV, JSON or plot',
  description:
    'Prints the validations of the chosen masters in the order of type, instrument, filter and date: mean, median and rms, the ' +
    'same of the difference to the master before, and whether it was accepted. --plot draws median and rms over time, ' +
    '--plot-differences the differences, refused ones crossed; they need one group: a type and instrument, and for flats ' +
    'a filter.',
  examples: [
    { run: 'calibration series --bank bank/ --type flat --filter r --last 10', doc: 'the last ten of each instrument' },
    { run: 'calibration series --bank bank/ --type bias --instrument C1 --plot bias.png', doc: 'a plot' },
  ],
  schema,
  flags: {
    bank: { type: 'text', doc: 'folder with validations.csv', placeholder: 'DIR', config: 'store.bank' },
    type: { type: 'text', doc: 'bias, dark or flat', choices: ['bias', 'dark', 'flat'] },
    instrument: { type: 'text', doc: 'of this instrument', placeholder: 'NAME' },
    filter: { type: 'text', doc: 'in this filter', placeholder: 'NAME' },
    from: { type: 'text', doc: 'from this date on (UTC)', placeholder: 'DATE' },
    to: { type: 'text', doc: 'until this date', placeholder: 'DATE' },
    last: { type: 'integer', doc: 'only the last so many of each group', placeholder: 'N' },
    plot: { type: 'text', doc: 'draw median and rms into this file (.png or .svg)', placeholder: 'FILE' },
    'plot-differences': { type: 'text', doc: 'draw the differences into this file', placeholder: 'FILE' },
  },
  measurements: [],
  inputs: 'none',
  prints: true,
  conduct: series,
})

async function series({ config, flags, json, print }: Conducting<typeof schema>): Promise<number> {
  const rows = chosen(readHistory(config.store.bank), flags)
  const plots = [flags.plot, flags['plot-differences']].map((file) => (typeof file === 'string' ? file : undefined))
  if (plots.some(Boolean)) {
    const groups = [...new Set(rows.map(groupOf))]
    if (groups.length !== 1)
      throw new ConfigError(
        groups.length === 0 ? 'no validation to draw' : `${groups.length} groups: ${groups.join(', ')}`,
        'choose one by --type, --instrument and, for flats, --filter',
      )
    const title = groups[0]!.replaceAll('_', ' ')
    const dated = rows.filter((row) => mjdOf(row) !== undefined)
    if (plots[0]) await writeFigure(plots[0], levelsFigure(title, dated))
    if (plots[1]) await writeFigure(plots[1], differencesFigure(title, dated))
    return Exit.done
  }
  if (json) await print(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  else await print(formatCsv([COLUMNS, ...rows.map((row) => COLUMNS.map((name) => String(row[name] ?? '')))]))
  return Exit.done
}

const COLUMNS = [
  ...(['type', 'instrument', 'filter', 'date', 'im_name', 'mean', 'median', 'rms'] as const),
  ...(['meandiff', 'mediandiff', 'rmsdiff', 'valid'] as const),
]

function chosen(all: readonly ValidationRow[], flags: Conducting['flags']): ValidationRow[] {
  const is = (value: string | undefined, wanted: unknown) =>
    wanted === undefined || (value ?? '').toLowerCase() === String(wanted).toLowerCase()
  const [from, to] = [dayOf(flags.from, '--from'), dayOf(flags.to, '--to')]
  const rows = all.filter((row) => {
    const mjd = mjdOf(row)
    const inTime =
      (from === undefined && to === undefined) || (mjd !== undefined && mjd >= (from ?? 0) && mjd <= (to ?? 1e9))
    return is(row.type, flags.type) && is(row.instrument, flags.instrument) && is(row.filter, flags.filter) && inTime
  })
  const sorted = rows.sort((a, b) => compare(groupOf(a), groupOf(b)) || compare(a.date ?? '', b.date ?? ''))
  const last = Number(flags.last ?? Number.POSITIVE_INFINITY)
  const taken = new Map<string, number>()
  const kept = sorted.toReversed().filter((row) => {
    const count = (taken.get(groupOf(row)) ?? 0) + 1
    taken.set(groupOf(row), count)
    return count <= last
  })
  return kept.toReversed()
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

function dayOf(said: unknown, flag: string): number | undefined {
  if (said === undefined) return undefined
  const mjd = mjdOf({ date: String(said) } as ValidationRow)
  if (mjd === undefined) throw new ConfigError(`${flag} ${said}: no date`, 'as 2026-03-01 or 2026-03-01T12:00:00')
  return mjd
}

import { join } from 'node:path'
import { type Conducting, ConfigError, defineConductor, Exit } from '@nightpipe/command'
import { path } from '@nightpipe/config'
import { chart, type Series, writeFigure } from '@nightpipe/plot'
import { numberOf } from '@nightpipe/sensors'
import { alignColumns, formatCsv } from '@nightpipe/table'
import { CHOICE_FLAGS, chosenSensors, momentOf, presentOf } from './ask.js'
import { type Reading, readReadings } from './readings.js'
import type { SensorRow } from './tables.js'

export const storeSchema = {
  store: { folder: path('', 'folder that status ingest filled') },
}

/** What the sensors said. */
export const statusQuery = defineConductor({
  name: 'status',
  subcommand: 'query',
  summary: 'what sensors said, by name, subsystem, component, group and time; as CSV, JSON or plot',
  description:
    'Prints the readings of the chosen sensors, one a line, in the order of sensor and time. With --statistics one line for ' +
    'each sensor: how many, least, mean, greatest and last of its good readings (error code 0). --plot draws numbers over time.',
  examples: [
    { run: 'status query --store store/ --sensor C0-detector-temperature --from 7d', doc: 'the last week of a sensor' },
    { run: "status query --store store/ --group 'environmental-*' --statistics", doc: 'the weather in a table' },
    { run: 'status query --store store/ --subsystem weather --from 2026-03-01 --plot weather.png', doc: 'a plot' },
  ],
  schema: storeSchema,
  flags: {
    ...CHOICE_FLAGS,
    from: { type: 'text', doc: 'from then on: a date (UTC), an MJD, or 7d for a week ago', placeholder: 'WHEN' },
    to: { type: 'text', doc: 'until then', placeholder: 'WHEN' },
    statistics: { type: 'flag', doc: 'a line for each sensor instead of its readings' },
    plot: { type: 'text', doc: 'draw into this file (.png or .svg) instead of printing', placeholder: 'FILE' },
  },
  measurements: [],
  inputs: 'none',
  prints: true,
  conduct: query,
})

async function query(request: Conducting<typeof storeSchema>): Promise<number> {
  const { flags, config, print } = request
  const now = presentOf(undefined)
  const [from, to] = [
    momentOf(flags.from, now, Number.NEGATIVE_INFINITY),
    momentOf(flags.to, now, Number.POSITIVE_INFINITY),
  ]
  if (from > to) throw new ConfigError('--from is later than --to')
  const sensors = chosenSensors(config.store.folder, flags)
  const read = (sensor: SensorRow) => readReadings(join(config.store.folder, 'readings', sensor.file), from, to)
  if (typeof flags.plot === 'string') await plot(flags.plot, sensors, read)
  else if (flags.statistics) await print(statistics(sensors, read, request.json))
  else
    for (const sensor of sensors) await print(readingLines(sensor, read(sensor), request.json, sensor === sensors[0]))
  return Exit.done
}

function readingLines({ name, unit }: SensorRow, readings: readonly Reading[], json: boolean, first: boolean): string {
  if (json)
    return readings
      .map(
        ({ date, value, rawValue, errorCode }) =>
          `${JSON.stringify({ sensor: name, date, value, unit: unit ?? '', raw_value: rawValue, error_code: errorCode })}\n`,
      )
      .join('')
  const rows = readings.map(({ date, value, rawValue, errorCode }) => [
    name,
    date,
    value,
    unit ?? '',
    rawValue,
    String(errorCode),
  ])
  return formatCsv([...(first ? [['sensor', 'date_utc', 'value', 'unit', 'raw_value', 'error_code']] : []), ...rows])
}

/** The good readings of a sensor that are numbers. */
export const goodNumbers = (sensor: SensorRow, readings: readonly Reading[]) =>
  readings.flatMap((reading) => {
    const value = reading.errorCode === 0 ? numberOf({ value: reading.value, type: sensor.type ?? '' }) : undefined
    return value === undefined ? [] : [{ mjd: reading.mjd, value }]
  })

function statistics(sensors: readonly SensorRow[], read: (sensor: SensorRow) => Reading[], json: boolean): string {
  const rows = sensors.map((sensor) => {
    const all = read(sensor)
    const values = goodNumbers(sensor, all).map(({ value }) => value)
    const sum = values.reduce((total, value) => total + value, 0)
    const [least, greatest] = values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [
      Infinity,
      -Infinity,
    ] as [number, number])
    const last = all.at(-1)
    return {
      ...{ sensor: sensor.name, unit: sensor.unit ?? '', readings: all.length, good: values.length },
      ...(values.length > 0 ? { least, mean: sum / values.length, greatest } : {}),
      ...(last ? { last: last.value, last_utc: last.date } : {}),
    }
  })
  if (json) return rows.map((row) => `${JSON.stringify(row)}\n`).join('')
  const cell = (value: number | undefined) => (value === undefined ? '' : String(Number(value.toPrecision(6))))
  const head = ['sensor', 'unit', 'readings', 'good', 'least', 'mean', 'greatest', 'last', 'last_utc']
  return alignColumns([
    head,
    ...rows.map((row) => [
      ...[
        row.sensor,
        row.unit,
        String(row.readings),
        String(row.good),
        cell(row.least),
        cell(row.mean),
        cell(row.greatest),
      ],
      ...[row.last ?? '', row.last_utc ?? ''],
    ]),
  ])
}

async function plot(
  file: string,
  sensors: readonly SensorRow[],
  read: (sensor: SensorRow) => Reading[],
): Promise<void> {
  const curves = sensors
    .map((sensor) => ({ sensor, points: goodNumbers(sensor, read(sensor)) }))
    .filter(({ points }) => points.length > 0)
  if (curves.length === 0) throw new ConfigError('nothing to draw: no good reading is a number')
  const units = [...new Set(curves.map(({ sensor }) => sensor.unit ?? ''))]
  const series = curves.map(
    ({ sensor, points }): Series => ({
      ...{ label: sensor.name, kind: 'line', x: points.map(({ mjd }) => mjd), y: points.map(({ value }) => value) },
    }),
  )
  const title = curves.length === 1 ? curves[0]!.sensor.name : `${curves.length} sensors`
  await writeFigure(
    file,
    chart({ title, x: { label: 'UTC', time: true }, y: { label: units.join(', ') || 'value' }, series }),
  )
}

import { join } from 'node:path'
import { type Conducting, ConfigError, defineConductor, Exit } from '@nightpipe/command'
import { list, number } from '@nightpipe/config'
import { type Alarm, type AlarmRule, matches, parseRule, watch } from '@nightpipe/sensors'
import { formatMjd } from '@nightpipe/sky'
import { alignColumns, readTable } from '@nightpipe/table'
import { presentOf } from './ask.js'
import { goodNumbers, storeSchema } from './query.js'
import { readReadings } from './readings.js'
import { type SensorRow, sensorsTable } from './tables.js'

const schema = {
  ...storeSchema,
  alarms: {
    rules: list(
      [],
      'rules: SENSOR > 5 clear 4; SENSOR < 0; SENSOR rate > 2/min; SENSOR silent 10 min. * stands for anything',
    ),
    window: number(24, 'how far back readings are looked at', { unit: 'hours', min: 0.01 }),
  },
}

/** What is out of its limits now. */
export const statusAlarms = defineConductor({
  name: 'status',
  subcommand: 'alarms',
  summary: 'what is out of its limits, changes too fast or is silent; exit code 4 when anything is',
  description:
    'Looks at the readings of the last hours by the rules of [alarms] (and --rule). An alarm begins beyond its limit and ends ' +
    'when the reading is back behind `clear`, so that it does not flutter. Readings whose error code is not 0 are not looked ' +
    'at. A rule that no sensor matches is an error: a misspelt alarm would never ring.',
  examples: [
    {
      run: "status alarms --store store/ --rule 'C0-detector-temperature > -60 clear -65'",
      doc: 'a limit with hysteresis',
    },
    { run: "status alarms --store store/ --rule 'weather-* silent 10 min'", doc: 'silence' },
  ],
  schema,
  flags: {
    store: { type: 'text', doc: 'folder that status ingest filled', placeholder: 'DIR', config: 'store.folder' },
    rule: { type: 'list', doc: 'a rule more', placeholder: 'RULE' },
    now: { type: 'text', doc: 'the moment (default: the present)', placeholder: 'DATE' },
  },
  measurements: [],
  inputs: 'none',
  prints: true,
  conduct: alarms,
})

async function alarms({ config, flags, print, json }: Conducting<typeof schema>): Promise<number> {
  const now = presentOf(flags.now)
  const rules = [...config.alarms.rules, ...((flags.rule as string[] | undefined) ?? [])].map(ruleOf)
  if (rules.length === 0) throw new ConfigError('no rule: nothing would ever ring', 'give [alarms] rules or --rule')
  if (config.store.folder === '')
    throw new ConfigError('no store is named', 'say by --store which folder status ingest filled')
  const sensors = readTable(join(config.store.folder, sensorsTable.name), sensorsTable)
  const up = rules.flatMap((rule) => {
    const own = sensors.filter(({ name }) => matches(rule.sensor, name))
    if (own.length === 0) throw new ConfigError(`no sensor is called ${rule.sensor} ('${rule.text}')`)
    return own.flatMap((sensor) => ring(rule, sensor, config.store.folder, now, config.alarms.window))
  })
  if (json)
    await print(
      up
        .map(
          ({ rule, sensor, since, value }) =>
            `${JSON.stringify({ rule: rule.text, sensor, since: dateOf(since), value })}\n`,
        )
        .join(''),
    )
  else if (up.length > 0) await print(alignColumns([['sensor', 'rule', 'since_utc', 'value'], ...up.map(rowOf)]))
  return up.length > 0 ? Exit.verdictNo : Exit.done
}

function ruleOf(text: string): AlarmRule {
  const rule = parseRule(text)
  if ('problem' in rule) throw new ConfigError(rule.problem)
  return rule
}

function ring(rule: AlarmRule, sensor: SensorRow, store: string, now: number, hours: number): Alarm[] {
  const reach = rule.kind === 'silence' ? Math.max(hours / 24, (2 * rule.limit) / 86400) : hours / 24
  const readings = readReadings(join(store, 'readings', sensor.file), now - reach, now)
  // Silence is that of any reading; a sensor that only reports errors is heard.
  const times =
    rule.kind === 'silence' ? readings.map(({ date }) => ({ mjd: mjd(date), value: 0 })) : goodNumbers(sensor, readings)
  const alarm = watch(rule, sensor.name, times, now)
  return alarm ? [alarm] : []
}

const mjd = (date: string) => presentOf(date)
const dateOf = (since: number) => (Number.isFinite(since) ? formatMjd(since).slice(0, 19) : '')
const rowOf = ({ rule, sensor, since, value }: Alarm) => [
  ...[sensor, rule.text, dateOf(since)],
  Number.isFinite(value) ? String(Number(value.toPrecision(6))) : 'never heard',
]

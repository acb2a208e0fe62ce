import { ConfigError } from '@nightpipe/command'
import { parseDate } from '@nightpipe/sky'
import type { Window } from './raw-frames.js'

type Flags = Readonly<Record<string, unknown>>

/** The flags by which a call says which exposures it means. */
export const windowFlags = {
  date: { type: 'list', doc: 'these nights, as their folders are called: YYYYMMDD', placeholder: 'DAY…' },
  start: { type: 'text', doc: 'exposures from this date on (UTC)', placeholder: 'DATE' },
  end: { type: 'text', doc: 'exposures up to this date (UTC)', placeholder: 'DATE' },
} as const

/** The exposures that a call means; without a word, `otherwise`. */
export function windowOf({ date, start, end }: Flags, otherwise: Window): Window {
  if (date !== undefined && (start !== undefined || end !== undefined)) {
    throw new ConfigError('--date and --start or --end', 'give nights, or a stretch of time')
  }
  if (date !== undefined) return { days: (date as string[]).flatMap((text) => text.split(',')).map(dayOf) }
  if (start === undefined && end === undefined) return otherwise
  const from = start === undefined ? undefined : mjdOf(String(start), 'start')
  const to = end === undefined ? undefined : mjdOf(String(end), 'end')
  if (from !== undefined && to !== undefined && from > to) {
    throw new ConfigError(`--end ${String(end)} is before --start ${String(start)}`, 'exchange them')
  }
  return { ...(from === undefined ? {} : { start: from }), ...(to === undefined ? {} : { end: to }) }
}

function dayOf(text: string): string {
  const day = text.trim().replaceAll('-', '')
  if (!/^\d{8}$/.test(day) || !parseDate(day))
    throw new ConfigError(`--date ${text}: expected a night such as 20171216`)
  return day
}

function mjdOf(text: string, flag: string): number {
  const date = parseDate(text)
  if (!date) throw new ConfigError(`--${flag} ${text}: expected a date such as 2017-12-16T08:00:00`)
  return date.mjd
}

import { formatMjd, mjdOfDay, parseDate } from '@nightpipe/sky'

const NEVER = '9999-12-31T23:59:59.999'

/**
 * When an exposure becomes public: engineering never, calibrations and outreach at once, all else a year later. A year after
 * 29 February is 1 March. (The NRES pipeline added one to the text of the year, which made days that do not exist.)
 */
export function publicDate(dateObs: string | undefined, proposal = ''): string | undefined {
  const words = proposal.toLowerCase()
  if (words.includes('engineer')) return NEVER
  const date = dateObs === undefined ? undefined : parseDate(dateObs)
  if (!date) return undefined
  if (/^(calibrate|standard|pointing)$/.test(words) || words.includes('epo')) return formatMjd(date.mjd)
  const [year, month, day] = formatMjd(Math.floor(date.mjd), 0).slice(0, 10).split('-').map(Number) as [
    number,
    number,
    number,
  ]
  const later = mjdOfDay(year + 1, month, day) ?? mjdOfDay(year + 1, 3, 1)!
  return formatMjd(later + (date.mjd % 1))
}

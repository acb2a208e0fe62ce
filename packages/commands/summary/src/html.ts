import { power } from '@nightpipe/math'

/** A text as HTML shows it. */
export const safe = (text: unknown): string =>
  String(text ?? '').replace(
    /[&<>"']/g,
    (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[c]!,
  )

/** A path as a link takes it. */
export const linkTo = (path: string): string => path.split('/').map(encodeURIComponent).join('/')

/** Colours that can be told apart, also by those who see red and green alike (Okabe & Ito 2008). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9']
export const colourOf = (filters: readonly string[], filter: string): string =>
  COLOURS[Math.max(0, filters.indexOf(filter)) % COLOURS.length]!

/** 10:23:45.67 +12:34:56.7 */
export function position(ra: number | undefined, dec: number | undefined): string {
  if (ra === undefined || dec === undefined) return ''
  const parts = (value: number, digits: number) => {
    const whole = Math.round(Math.abs(value) * 3600 * power(10, digits))
    const seconds = whole / power(10, digits)
    const two = (n: number) => String(Math.floor(n)).padStart(2, '0')
    return `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${(seconds % 60).toFixed(digits).padStart(3 + digits, '0')}`
  }
  return `${parts((((ra % 360) + 360) % 360) / 15, 2)} ${dec < 0 ? '−' : '+'}${parts(dec, 1)}`
}

import type { AxisName, Classification, StarLimit } from '@nightpipe/spectra'

/** What was found of one star of an exposure. */
export interface Found extends Classification {
  object: string
  fibre: number
}

/** What is known: undefined where there is no number. */
export const known = (value: number) => (Number.isFinite(value) ? value : undefined)

/** How a parameter is written: its column, unit, and digits. */
const WRITTEN: Record<AxisName | 'vsini', { column: string; unit: string; digits: number; scale: number }> = {
  teff: { column: 'teff_k', unit: 'K', digits: 0, scale: 1 },
  logg: { column: 'logg_dex', unit: 'dex', digits: 3, scale: 1 },
  metallicity: { column: 'metallicity_dex', unit: 'dex', digits: 3, scale: 1 },
  vsini: { column: 'vsini_km_s', unit: 'km/s', digits: 2, scale: 1e-3 },
}

/** The limits as `teff_k > 7000`, one after the other; empty where everything was measured. */
export const limitsText = (limits: readonly StarLimit[]) =>
  limits
    .map(({ name, side, value }) => {
      const { column, digits, scale } = WRITTEN[name]
      return `${column} ${side === 'below' ? '<' : '>'} ${(value * scale).toFixed(digits)}`
    })
    .join('; ')

const NAMES = { teff: 'Teff', logg: 'log g', metallicity: '[Fe/H]', vsini: 'v sin i' } as const

/** A number with its error: that to two significant digits, the number as far as these go. */
export function withError(value: number, error: number): string {
  const rounded = Number(error.toPrecision(2))
  if (!Number.isFinite(rounded)) return String(value)
  const last = Number(rounded.toExponential().split('e')[1]) - 1
  const unit = Number(`1e${Math.max(0, last)}`)
  const text = (one: number) => (unit * Math.round(one / unit)).toFixed(0)
  return last >= 0 ? `${text(value)} +- ${text(rounded)}` : `${value.toFixed(-last)} +- ${rounded.toFixed(-last)}`
}

/** One line for people: every parameter with its error, or its limit. */
export function summaryOf({ parameters, errors, limits }: Classification): string {
  const parts = (['teff', 'logg', 'metallicity', 'vsini'] as const).flatMap((name) => {
    const { unit, digits, scale } = WRITTEN[name]
    const text = (value: number) => (value * scale).toFixed(digits)
    const limit = limits.find((one) => one.name === name)
    const behind = unit === 'dex' ? '' : ` ${unit}`
    if (limit) return [`${NAMES[name]} ${limit.side === 'below' ? '<' : '>'} ${text(limit.value)}${behind}`]
    if (!Number.isFinite(parameters[name])) return []
    const error = errors[name] * scale
    const said = error > 0 ? withError(parameters[name] * scale, error) : text(parameters[name])
    return [`${NAMES[name]} ${said}${behind}`]
  })
  return parts.join(', ')
}

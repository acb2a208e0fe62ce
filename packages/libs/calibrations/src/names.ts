/** What tells one group of calibrations from another, as far as its name shows it. */
export interface NamedGroup {
  type: string
  instrument: string
  filter?: string
  binning: readonly [number, number]
  /** What else must tell groups of one night apart: read-out mode, exposure time. */
  distinction?: readonly string[]
}

/** A header value as part of a file name: letters, digits, '.', '+' and '-' stay, all else becomes '-'. */
export function safeName(value: string): string {
  const clean = value.normalize('NFKD').replace(/[^A-Za-z0-9.+-]+/g, '-')
  return clean.replace(/^[-.]+|[-.]+$/g, '') || 'unknown'
}

/** `bias_<instrument>[_<binning>].fits`, `dark_…`, `flat_<instrument>_<filter>[_<binning>].fits`. */
export function masterName({ type, instrument, filter, binning, distinction = [] }: NamedGroup): string {
  const parts = [type, safeName(instrument)]
  if (type === 'flat') parts.push(safeName(filter ?? 'none'))
  const [bx, by] = binning
  if (bx !== 1 || by !== 1) parts.push(`${bx}x${by}`)
  parts.push(...distinction.map(safeName))
  return `${parts.join('_')}.fits`
}

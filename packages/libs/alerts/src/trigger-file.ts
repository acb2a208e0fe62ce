import type { Trigger } from './trigger.js'

/**
 * The sections of a trigger file and what stands in them, as the reference reconstructs it: `key` or `key = fact` where the two
 * differ. A layout of one's own has the same shape.
 */
export const TRIGGER_LAYOUT: Readonly<Record<string, readonly string[]>> = {
  Trigger: [
    ...['burst_id', 'obs_id', 'ivorn', 'role', 'packet_type', 'notice_type', 'notice_level', 'serial', 'received_utc'],
    ...['status', 'reason'],
  ],
  Time: ['t0_utc', 't0_mjd', 'window_start', 'window_end', 'timescale_s'],
  Position: [
    ...[
      'ra_deg',
      'dec_deg',
      'error_deg',
      'error_arcmin',
      'gal_lon',
      'gal_lat',
      'moon_angle',
      'sun_angle',
      'frame',
      'source',
    ],
  ],
  Detection: [
    ...[
      'instrument',
      'snr',
      'energy_low_kev',
      'energy_high_kev',
      'trigger_type',
      'mean_flux',
      'flux_error',
      'probability',
    ],
  ],
  Satellite: ['slew_status', 'attitude_ra', 'attitude_dec', 'attitude_roll'],
}

/** Every fact that a layout may name, with its value; what is unknown is missing. */
export function triggerFacts(trigger: Trigger): Record<string, string> {
  const { position, t0Mjd, history } = trigger
  const number = (value: number | undefined, digits: number) =>
    value === undefined ? undefined : value.toFixed(digits)
  const own: Record<string, string | undefined> = {
    burst_id: trigger.burstId,
    obs_id: trigger.obsId,
    status: trigger.status,
    reason: trigger.reason,
    received_utc: history.at(-1)?.received,
    t0_utc: trigger.t0,
    t0_mjd: number(t0Mjd, 9),
    ra_deg: number(position?.ra, 6),
    dec_deg: number(position?.dec, 6),
    error_deg: number(position?.errorDeg, 6),
    error_arcmin: number(position?.errorDeg && position.errorDeg * 60, 3),
    frame: position?.frame,
    source: position?.source,
  }
  const told = Object.entries({ ...trigger.facts, ...own }).filter(([, value]) => value !== undefined && value !== '')
  return Object.fromEntries(told) as Record<string, string>
}

/** The trigger as an INI. Unknown values are empty, never 0: nobody points a telescope at them. */
export function triggerText(
  trigger: Trigger,
  layout: Readonly<Record<string, readonly string[]>> = TRIGGER_LAYOUT,
): string {
  const facts = triggerFacts(trigger)
  const clean = (value: string) => value.replace(/\s+/g, ' ').trim()
  const sections = Object.entries(layout).map(([section, keys]) => {
    const lines = keys.map((said) => {
      const [key, fact = key] = said.split('=').map((word) => word.trim()) as [string, string?]
      return `${key} = ${clean(facts[fact] ?? '')}`.trimEnd()
    })
    return [`[${section}]`, ...lines, ''].join('\n')
  })
  const notices = trigger.history.map(({ ivorn, received }, k) => `${k + 1} = ${ivorn} ${received}`)
  return [...sections, ['[History]', `n = ${notices.length}`, ...notices, ''].join('\n')].join('\n')
}

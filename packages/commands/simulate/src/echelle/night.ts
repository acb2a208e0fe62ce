import { ConfigError } from '@nightpipe/command'
import { fileStemFor, type InstrumentProfile } from '@nightpipe/config'
import { formatMjd, parseDate } from '@nightpipe/sky'
import type { Settings, StarSettings } from './schema.js'

export type Light = 'none' | 'tung' | 'thar' | 'star'
export type Fault = 'no header' | 'no fibres' | 'wrong camera' | 'saturated arc' | 'lamp off' | 'clouds'

/** One frame, before any pixel. Plain data. */
export interface Exposure {
  /** its file, without extension */
  name: string
  /** the day of its night, as 20240312 */
  day: string
  night: number
  number: number
  type: 'bias' | 'dark' | 'flat' | 'arc' | 'object'
  seconds: number
  /** UTC at the start, Modified Julian Date */
  mjd: number
  /** what each fibre sees */
  light: Light[]
  star?: string
  fault?: Fault
}

const LETTERS = { bias: 'b', dark: 'd', flat: 'w', arc: 'a', object: 'e' } as const

type Step = Pick<Exposure, 'type' | 'seconds' | 'light' | 'star' | 'fault'>

/** The names of the targets: those of [star.NAME], or one that takes its keys from [star]. */
export function starNames({ star }: Settings): string[] {
  const named = Object.keys(star).filter((name) => name !== '')
  return named.length ? named : ['simstar']
}

export const starOf = ({ star }: Settings, name: string): StarSettings => star[name] ?? star['']!

/** All frames of all nights: biases, darks, flats and arcs in the afternoon, then the targets in turn. */
export function nightOf(settings: Settings, profile: InstrumentProfile): Exposure[] {
  const start = parseDate(settings.night.start)
  if (!start) throw new ConfigError(`[night] start = ${settings.night.start}: expected a date as 2024-03-12T19:30:00`)
  check(settings)
  const calibrations = calibrationSteps(settings)
  const science = scienceSteps(settings)
  return Array.from({ length: settings.night.nights }, (_, night) => {
    const first = start.mjd + night * settings.night.interval
    const frames: Exposure[] = []
    let mjd = first
    const put = (step: Step) => {
      const number = frames.length + 1
      const day = dayOf(first, settings.site.longitude)
      frames.push({ ...step, name: nameOf(settings, profile, step.type, day, mjd, number), day, night, number, mjd })
      mjd += (step.seconds + settings.detector.readout + settings.night.pause) / 86400
    }
    calibrations.filter(({ type }) => hasOwn(settings, night, type)).forEach(put)
    mjd = Math.max(mjd, first + settings.night.evening / 24)
    science.forEach(put)
    return frames
  }).flat()
}

/** Whether a night has calibrations of this type of its own. */
const hasOwn = ({ night: { calibrations } }: Settings, night: number, type: Exposure['type']) =>
  night === 0 || calibrations === 'every' || (calibrations === 'arcs' && type === 'arc')

/** The day on which the night began at this longitude: it changes at local noon. */
const dayOf = (mjd: number, longitude: number) =>
  formatMjd(Math.floor(mjd + longitude / 360 - 0.5) + 0.5)
    .slice(0, 10)
    .replaceAll('-', '')

function nameOf(
  { site, files }: Settings,
  profile: InstrumentProfile,
  type: Exposure['type'],
  day: string,
  mjd: number,
  number: number,
): string {
  if (files.container === 'plain') return fileStemFor({ type, date: formatMjd(mjd), number }, profile)
  const which = (/\d+$/.exec(site.instrument)?.[0] ?? '1').padStart(2, '0')
  return `${site.site}nrs${which}-${site.camera}-${day}-${String(number).padStart(4, '0')}-${LETTERS[type]}00`
}

/** What the schema cannot see. */
function check(settings: Settings): void {
  const { fibres, optics } = settings
  if (fibres.arc >= fibres.count)
    throw new ConfigError(`[fibres] arc = ${fibres.arc}: there are ${fibres.count} fibres`)
  if (optics['first order'] + optics['order step'] * (optics.orders - 1) < 1) {
    throw new ConfigError('[optics] orders: some of them would be below 1', 'a higher first order, or order step = 1')
  }
  for (const name of starNames(settings)) {
    const { fibre } = starOf(settings, name)
    if (fibre >= fibres.count) throw new ConfigError(`[star] fibre = ${fibre}: there are ${fibres.count} fibres`)
  }
}

/** The fibres of "0+1", lit; others see nothing. */
function lit(settings: Settings, pair: string, light: Light): Light[] {
  const { count } = settings.fibres
  const wanted = pair === 'all' ? Array.from({ length: count }, (_, k) => k) : pair.split('+').map(Number)
  if (wanted.some((k) => !Number.isInteger(k) || k < 0 || k >= count)) {
    throw new ConfigError(`pairs: ${pair} is no list of fibres 0 to ${count - 1}`, 'as 0+1, 1+2, or all')
  }
  return Array.from({ length: count }, (_, k) => (wanted.includes(k) ? light : 'none'))
}

function calibrationSteps(settings: Settings): Step[] {
  const { bias, dark, flat, arc, faults, fibres } = settings
  const none: Light[] = Array(fibres.count).fill('none')
  const times = (n: number, step: Step) => Array.from({ length: n }, () => step)
  const flats = flat.pairs.map(
    (pair): Step => ({ type: 'flat', seconds: flat.seconds, light: lit(settings, pair, 'tung') }),
  )
  const arcs = arc.pairs.map(
    (pair): Step => ({ type: 'arc', seconds: arc.seconds, light: lit(settings, pair, 'thar') }),
  )
  const [flat0, arc0] = [flats[0], arcs[0]]
  return [
    ...times(bias.count, { type: 'bias', seconds: 0, light: none }),
    ...times(dark.count, { type: 'dark', seconds: dark.seconds, light: none }),
    ...flats.flatMap((step) => times(flat.count, step)),
    ...(flat0 ? times(faults['lamp off'], { ...flat0, fault: 'lamp off' }) : []),
    ...times(arc.count, undefined as never).flatMap(() => arcs),
    ...(arc0 ? times(faults['lamp off'], { ...arc0, fault: 'lamp off' }) : []),
    ...(arc0 ? times(faults['saturated arc'], { ...arc0, fault: 'saturated arc' }) : []),
  ]
}

function scienceSteps(settings: Settings): Step[] {
  const { fibres, arc, faults } = settings
  const steps = starNames(settings).flatMap((name) => {
    const star = starOf(settings, name)
    const light = Array.from({ length: fibres.count }, (_, k): Light => {
      if (k === star.fibre) return 'star'
      return k === fibres.arc && arc.simultaneous > 0 ? 'thar' : 'none'
    })
    return Array.from(
      { length: star.frames },
      (): Step => ({ type: 'object', seconds: star.seconds, light, star: name }),
    )
  })
  const [first] = steps
  if (!first) return steps
  const broken = (['no header', 'no fibres', 'wrong camera', 'clouds'] as const).flatMap((fault) =>
    Array.from({ length: faults[fault] }, (): Step => ({ ...first, fault })),
  )
  return [...steps, ...broken]
}

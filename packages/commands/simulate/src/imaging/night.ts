import { ConfigError } from '@nightpipe/command'
import { fileStemFor, type InstrumentProfile } from '@nightpipe/config'
import { formatMjd, parseDate } from '@nightpipe/sky'
import { randomOf } from '../random.js'
import { nth, type Settings } from './schema.js'
import { type Conditions, weatherOf } from './weather.js'

/** One frame of the night, before any pixel. Plain data. */
export interface Exposure {
  /** its file, without extension */
  name: string
  number: number
  type: 'bias' | 'dark' | 'flat' | 'object'
  filter?: string
  field?: string
  seconds: number
  /** UTC at the start, Modified Julian Date */
  mjd: number
  /** flats: electrons in a pixel of mean response */
  level?: number
  /** flats and science frames */
  conditions?: Conditions
}

export interface Night {
  exposures: Exposure[]
  fields: string[]
  /** MJD of the first and after the last science frame */
  science: [number, number]
}

const SECONDS = 86400

/** The names of the fields: those of [field.NAME], or one that takes its keys from [field]. */
export function fieldNames({ field }: Settings): string[] {
  const named = Object.keys(field).filter((name) => name !== '')
  return named.length ? named : ['simfield']
}

export const fieldOf = ({ field }: Settings, name: string) => field[name] ?? field['']!

/** The sequence of a night: bias, darks, twilight flats, then every field by dither and filter. */
export function nightOf(settings: Settings, profile: InstrumentProfile): Night {
  const start = parseDate(settings.night.start)
  if (!start) throw new ConfigError(`[night] start = ${settings.night.start}: expected a date as 2024-03-12T00:30:00`)
  const fields = fieldNames(settings)
  const steps = [...calibrations(settings), ...science(settings, fields)]
  const frames: Omit<Exposure, 'name' | 'conditions'>[] = []
  let mjd = start.mjd
  for (const [k, step] of steps.entries()) {
    frames.push({ ...step, number: k + 1, mjd })
    mjd += (step.seconds + settings.detector.readout + settings.night.pause) / SECONDS
  }
  const objects = frames.filter(({ type }) => type === 'object')
  const science0 = objects[0]?.mjd ?? mjd
  const named = frames.map((frame) => ({ ...frame, name: nameOf(frame, settings, profile) }))
  refuseTwins(named)
  const weather = weatherOf(settings, named)
  const exposures = named.map((frame) => ({ ...frame, ...weather(frame) }))
  return { exposures, fields, science: [science0, mjd] }
}

type Step = Pick<Exposure, 'type' | 'filter' | 'field' | 'seconds' | 'level'>

function calibrations(settings: Settings): Step[] {
  const { bias, dark, flat, filters, random } = settings
  const steps: Step[] = Array.from({ length: bias.count }, () => ({ type: 'bias', seconds: 0 }))
  for (const seconds of dark.exposures) {
    for (let k = 0; k < dark.count; k++) steps.push({ type: 'dark', seconds })
  }
  const gain = nth(settings.detector.gain, 0)
  // Far beyond full well and converter, whichever is lower.
  const over = 1.5 * Math.max(settings.detector['full well'], gain * 2 ** settings.detector.bits)
  for (const filter of filters.names) {
    const spread = randomOf(random.seed, 'flat levels', filter)
    for (let k = 0; k < flat.count + flat.saturated; k++) {
      const seconds = flat.exposures[k % flat.exposures.length] ?? 1
      const usual = flat.level * gain * (1 + flat.scatter * spread.between(-1, 1))
      steps.push({ type: 'flat', filter, seconds, level: k < flat.count ? usual : over })
    }
  }
  return steps
}

function science(settings: Settings, fields: readonly string[]): Step[] {
  return fields.flatMap((field) => {
    const { frames, exposure } = fieldOf(settings, field)
    return Array.from({ length: frames }, () =>
      settings.filters.names.map((filter, k): Step => ({ type: 'object', filter, field, seconds: nth(exposure, k) })),
    ).flat()
  })
}

/** As the pattern of [files] says, or the instrument profile. */
function nameOf(frame: Omit<Exposure, 'name'>, { files }: Settings, profile: InstrumentProfile): string {
  const { type, filter, number, mjd, field } = frame
  const pattern = files.name.replaceAll('{field}', field ?? type)
  const { values } = profile
  const named = { ...values, 'file names': { ...values['file names'], patterns: [pattern] } }
  const parts = { type, filter, number, date: formatMjd(mjd) }
  return fileStemFor(parts, pattern ? { ...profile, values: named } : profile)
}

function refuseTwins(frames: readonly { name: string }[]): void {
  const seen = new Set<string>()
  for (const { name } of frames) {
    if (seen.has(name)) {
      throw new ConfigError(`[files] name: two frames would be called ${name}`, 'put {number} in the pattern')
    }
    if (/[/\\]/.test(name)) throw new ConfigError(`[files] name: ${name} is not the name of a file`)
    seen.add(name)
  }
}

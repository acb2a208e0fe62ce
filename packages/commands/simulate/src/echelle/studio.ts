import type { Context } from '@nightpipe/command'
import type { InstrumentProfile } from '@nightpipe/config'
import { kernelsOf } from './line-spread.js'
import { lampOf } from './lines.js'
import { type Exposure, nightOf, starOf } from './night.js'
import { blazeOf, sizeOf, traceOf, wavelengthOf } from './optics.js'
import { type Profile, profileOf } from './profile.js'
import type { Settings } from './schema.js'
import { airSpectrum, planck, type Range, type StarSpectrum, starSpectrum } from './star.js'

/** All that the frames of a night share. Made once in each thread, piece by piece as it is needed. */
export interface Studio {
  settings: Settings
  frames: Exposure[]
  /** pixels along the dispersion and across it */
  along: number
  across: number
  wavelength(index: number, fibre: number): (pixel: number) => number
  trace(index: number, fibre: number): (pixel: number) => number
  profile(index: number, fibre: number): Profile
  /** efficiency and blaze of an order together */
  response(index: number): (angstrom: number) => number
  /** the brightest pixel of a continuum of this temperature, in units of photons per Angstrom at 5500 */
  brightest(temperature: number): number
  kernels(): Float64Array[]
  lamp(): ReturnType<typeof lampOf>
  star(name: string): StarSpectrum
  /** what the air lets through; undefined where [sky] tellurics is 0 */
  air(): StarSpectrum | undefined
}

let latest: { key: string; studio: Studio } | undefined

/** The studio of a configuration; the same one as before when that has not changed. */
export function studioOf(settings: Settings, profile: InstrumentProfile, context: Context): Studio {
  const key = `${context.configDigest} ${profile.name}`
  if (latest?.key !== key) latest = { key, studio: makeStudio(settings, profile) }
  return latest.studio
}

/** Makes a value on the first call only. */
function once<A extends readonly (string | number)[], V>(make: (...names: A) => V): (...names: A) => V {
  const known = new Map<string, V>()
  return (...names) => {
    const key = names.join(' ')
    if (!known.has(key)) known.set(key, make(...names))
    return known.get(key)!
  }
}

export function makeStudio(settings: Settings, profile: InstrumentProfile): Studio {
  const { along, across } = sizeOf(settings)
  const efficiency = efficiencyOf(settings)
  const wavelength = once((index: number, fibre: number) => wavelengthOf(settings, index, fibre))
  const response = once((index: number) => {
    const blaze = blazeOf(settings, index)
    return (angstrom: number) => blaze(angstrom) * efficiency(angstrom)
  })
  const brightest = (temperature: number) => {
    let best = 0
    for (let index = 0; index < settings.optics.orders; index++) {
      const of = wavelength(index, settings.fibres.arc)
      for (let p = 0; p < along; p += 16) {
        const width = Math.abs(of(p + 0.5) - of(p - 0.5))
        best = Math.max(best, response(index)(of(p)) * planck(of(p), temperature) * width)
      }
    }
    return best
  }
  const range = once((): Range => {
    const ends = [0, settings.optics.orders - 1].flatMap((index) => {
      const of = wavelength(index, settings.fibres.arc)
      return [of(-64), of(along + 64)]
    })
    return [0.995 * Math.min(...ends), 1.005 * Math.max(...ends)]
  })
  return {
    ...{ settings, frames: nightOf(settings, profile), along, across, wavelength, response },
    trace: once((index: number, fibre: number) => traceOf(settings, index, fibre)),
    profile: once((index: number, fibre: number) => profileOf(settings, index, fibre)),
    brightest: once(brightest),
    kernels: once(() => kernelsOf(settings)),
    lamp: once(() => lampOf(settings)),
    air: once(() => (settings.sky.tellurics > 0 ? airSpectrum(settings.sky.tellurics, range()) : undefined)),
    star: once((name: string) => starSpectrum(settings.random.seed, name, starOf(settings, name), range())),
  }
}

/** Linear between the wavelengths of the settings, level beyond them. */
function efficiencyOf({ efficiency }: Settings): (angstrom: number) => number {
  const { wavelengths, values } = efficiency
  const n = Math.min(wavelengths.length, values.length)
  return (angstrom) => {
    let k = 0
    while (k < n - 2 && wavelengths[k + 1]! < angstrom) k++
    const u = Math.min(Math.max((angstrom - wavelengths[k]!) / (wavelengths[k + 1]! - wavelengths[k]!), 0), 1)
    return n < 2 ? (values[0] ?? 1) : values[k]! + u * (values[k + 1]! - values[k]!)
  }
}

import type { Context } from '@nightpipe/command'
import type { InstrumentProfile } from '@nightpipe/config'
import { type Camera, cameraOf } from './camera.js'
import type { Maps } from './expose.js'
import { biasMap, type Defect, darkMap, defectsOf, flatMap } from './maps.js'
import { type Night, nightOf } from './night.js'
import type { Settings } from './schema.js'
import { type Source, sourcesOf } from './sources.js'

/** All that the frames of a night share. Made once in each thread, piece by piece as it is needed. */
export interface Studio {
  camera: Camera
  night: Night
  defects(): readonly Defect[]
  sources(field: string): readonly Source[]
  /** `keep`: how many flats may stay in memory */
  maps(filter: string | undefined, keep: number): Maps
}

let latest: { key: string; studio: Studio } | undefined

/** The studio of a configuration; the same one as before when that has not changed. */
export function studioOf(settings: Settings, profile: InstrumentProfile, context: Context): Studio {
  const key = `${context.configDigest} ${profile.name}`
  if (latest?.key !== key) latest = { key, studio: makeStudio(settings, profile) }
  return latest.studio
}

export function makeStudio(settings: Settings, profile: InstrumentProfile): Studio {
  const camera = cameraOf(settings, profile)
  const night = nightOf(settings, profile)
  let defects: readonly Defect[] | undefined
  let still: Omit<Maps, 'flat'> | undefined
  const fields = new Map<string, readonly Source[]>()
  const flats = new Map<string, Float32Array>()
  const known = () => {
    defects ??= defectsOf(settings)
    return defects
  }
  return {
    ...{ camera, night, defects: known },
    sources(field) {
      const found = fields.get(field) ?? sourcesOf(settings, field, night)
      fields.set(field, found)
      return found
    },
    maps(filter, keep) {
      still ??= { bias: biasMap(settings, camera), dark: darkMap(settings, known()) }
      if (filter === undefined) return still
      const found = flats.get(filter)
      if (!found) while (flats.size >= Math.max(1, keep)) flats.delete(flats.keys().next().value!)
      const flat = found ?? flatMap(settings, filter, known())
      flats.set(filter, flat)
      return { ...still, flat }
    },
  }
}

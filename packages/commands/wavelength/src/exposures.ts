import type { Request } from '@nightpipe/command'
import { describeFrame, type FrameFacts } from '@nightpipe/config'
import { cardLookup, openFits } from '@nightpipe/fits'
import { lightOf } from '@nightpipe/spectrographs'
import type { WavelengthSchema } from './schema.js'

/** What the header of a spectrum says. */
export interface Exposure {
  path: string
  name: string
  stem: string
  shown: string
  type: FrameFacts['type']
  /** middle of the exposure; NaN where there is no date */
  mjd: number
  start: number
  camera?: string
  /** fibres that see a lamp of lines, and all that have light; undefined where the header does not say */
  arcFibres?: number[]
}

/** Reads the headers of the inputs. A spectrum of an arc lamp in all its fibres is an arc, whatever it is called. */
export function describeExposure(
  input: { path: string; name: string; stem: string; shown: string },
  { profile }: Pick<Request<WavelengthSchema>, 'profile'>,
): Exposure {
  const file = openFits(input.path)
  try {
    const facts = describeFrame(cardLookup(file.hdus[0]!) as never, profile, { width: 0, height: 0, name: input.shown })
    const words = facts.fibres?.map(lightOf)
    const arcFibres = words?.flatMap((word, fibre) => (word === 'arc' ? [fibre] : []))
    const noStar = words && arcFibres!.length > 0 && !words.includes('star') && !words.includes('flat')
    const mjd = facts.mjd ?? Number.NaN
    return {
      ...input,
      type: noStar ? 'arc' : facts.type,
      mjd: mjd + (facts.exposureSeconds ?? 0) / 172800,
      start: mjd,
      camera: facts.camera,
      arcFibres: lampFibres(arcFibres, facts.type, profile.values.spectrograph['arc fibre']),
    }
  } finally {
    file.close()
  }
}

/** Where the header is silent: the lamp lights all fibres of an arc, and the profile's own fibre beside a star. */
function lampFibres(said: number[] | undefined, type: FrameFacts['type'], arcFibre: number): number[] | undefined {
  if (said) return said
  if (type === 'arc') return undefined
  return arcFibre >= 0 ? [arcFibre] : []
}

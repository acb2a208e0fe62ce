import type { InstrumentProfile } from '@nightpipe/config'
import { MaskBit } from '@nightpipe/image'
import { select } from '@nightpipe/math'
import type { Calibrated } from './calibrate-frame.js'
import type { RawFrame } from './frames.js'
import type { ReductionConfig } from './schema.js'

const LAMP_OF_FLAT = /^(tung|whit|halo|quar|cont|flat|led)/
const LAMP_OF_ARC = /^(thar|thne|une|fear|hgar|near|arc|etalon|fp|lfc|comb)/

/** Why a frame of spectra cannot be what its header says: the words about its fibres; undefined when they may be true. */
export function fibreTrouble({ facts }: RawFrame, { values: { spectrograph } }: InstrumentProfile): string | undefined {
  const { fibres, type } = facts
  const { fibres: number, 'arc fibre': arcFibre } = spectrograph
  if (number < 2 || !LIT.includes(type)) return undefined
  if (!fibres) return 'its header does not say what each fibre sees (as star&thar&none)'
  const said = fibres.join('&')
  const impossible = (why: string) => `fibres ${said}: impossible (${why})`
  if (fibres.length !== number) return impossible(`${fibres.length} words for ${number} fibres`)
  const lit = fibres.filter((word) => word !== 'none')
  if (lit.length === 0) return impossible(`no light for a frame of type ${type}`)
  if (type === 'object') {
    const star = (word: string) => word !== 'none' && !LAMP_OF_ARC.test(word) && !LAMP_OF_FLAT.test(word)
    if (!lit.some(star)) return impossible('no fibre sees a target')
    if (arcFibre >= 0 && star(fibres[arcFibre])) return impossible(`fibre ${arcFibre} is that of the lamp`)
    return undefined
  }
  const [own, other] = type === 'flat' ? [LAMP_OF_FLAT, LAMP_OF_ARC] : [LAMP_OF_ARC, LAMP_OF_FLAT]
  const wrong = lit.find((word) => other.test(word))
  if (wrong) return impossible(`${wrong} in a frame of type ${type}`)
  if (new Set(lit).size > 1 && lit.some((word) => own.test(word))) return impossible('different lamps')
  return undefined
}

const LIT = ['object', 'flat', 'arc']

/** Above the dark ground of the frame by so many sigma there is light. */
const LIGHT = 10
/** Pixels that are looked at, and the part of them that is ground even where orders are packed. */
const SAMPLE = 100_000
const GROUND = 0.1
/** Pixels that are counted, at least: an odd step meets all columns. */
const COUNTED = 400_000

/** What part of the pixels has light, and what part of those is saturated. */
export function measureLight({ pixels, mask, detector, scale }: Calibrated): { lit: number; saturated: number } {
  const step = Math.max(1, Math.floor(pixels.length / SAMPLE)) | 1
  const sample = new Float32Array(Math.ceil(pixels.length / step))
  let good = 0
  for (let p = 0; p < pixels.length; p += step) if (Number.isFinite(pixels[p])) sample[good++] = pixels[p]
  const ground = good > 0 ? select(sample, Math.floor(GROUND * good), good) : 0
  // in the unit of the planes: a value that is read with noise, on photons of the ground
  const unit = scale / detector.gain
  const limit = ground + LIGHT * unit * Math.hypot(detector.readNoise, Math.sqrt(Math.max(0, ground / unit)))
  const every = Math.max(1, Math.floor(pixels.length / COUNTED)) | 1
  let [light, saturated, count] = [0, 0, 0]
  for (let p = 0; p < pixels.length; p += every) {
    count++
    if (mask[p] & MaskBit.saturated) saturated++
    else if (pixels[p] > limit) light++
  }
  const lit = light + saturated
  return { lit: lit / count, saturated: lit > 0 ? saturated / lit : 0 }
}

/** Why spectra are set aside: a lamp that was off, or far too bright; undefined when there is nothing against them. */
export function lightTrouble(frame: Calibrated, type: string, { select }: ReductionConfig): string | undefined {
  const { lit, saturated } = measureLight(frame)
  const percent = (fraction: number) => `${(100 * fraction).toPrecision(2)} %`
  const least = type === 'flat' ? select['flat light'] : type === 'arc' ? select['arc light'] : 0
  if (lit < least) {
    return `only ${percent(lit)} of the pixels have light: was the lamp off? (set aside below ${percent(least)})`
  }
  const most = select['saturated light']
  if (saturated <= most) return undefined
  return `saturated: ${percent(saturated)} of the pixels with light (set aside over ${percent(most)})`
}

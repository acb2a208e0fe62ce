import { imageHdu, numberOf, openFits } from '@nightpipe/fits'
import { isBent } from './geometry.js'
import type { MasterTools, Used } from './make-master.js'
import type { MasterJob } from './plan.js'
import type { BiasOf, Sampled } from './sample.js'
import { type Measured, meanOfChain, type PairArgs } from './transfer.js'

/** Pairs of frames that the photon transfer looks at: more would tell little that is new. */
const MOST_PAIRS = 16
/** A gain that is not measured better than this does not replace that of the header. */
const TRUSTED_GAIN = 0.05

/** Read noise and gain of each amplifier, as far as they are known. */
export interface Detector {
  /** Read noise in ADU: measured on these biases or on those of the master bias, else of the header; 0: unknown. */
  readNoiseAdu: number[]
  /** Electrons per ADU: measured on these flats, else of the header. */
  gain: (number | undefined)[]
  /** What was measured on the frames of this group. */
  measured: { readNoiseAdu?: Measured[]; gain?: Measured[] }
}

/** What the masters that are subtracted know: their level, and the read noise that the biases showed. */
export interface Parents {
  bias: { median: number; readNoiseAdu: (number | undefined)[] }
  dark: { median: number }
  /** The bias that net counts are reckoned from, of frames that are made linear. */
  net?: BiasOf
}

export function readParents({ group, bias, dark }: MasterJob): Parents {
  const header = bias ? headerOf(bias) : undefined
  const median = (header && numberOf(header, 'MEDIAN')) ?? 0
  const of = (k: number) => header && (numberOf(header, `RDNADU${k + 1}`) ?? numberOf(header, 'RDNADU'))
  const readNoiseAdu = Array.from({ length: MOST_AMPLIFIERS }, (_, k) => of(k))
  const net = bias && isBent(group.frames[0].geometry) ? { path: bias, level: median } : undefined
  return {
    ...(net && { net }),
    bias: { median, readNoiseAdu },
    dark: { median: dark ? (numberOf(headerOf(dark), 'MEDIAN') ?? 0) : 0 },
  }
}

const MOST_AMPLIFIERS = 99

function headerOf(path: string) {
  const file = openFits(path)
  try {
    return imageHdu(file).header
  } finally {
    file.close()
  }
}

/** Photon transfer on pairs of neighbours in time, and what the headers say where there is nothing to measure. */
export async function measureDetector(
  type: string,
  used: readonly Used[],
  parents: Parents,
  tools: MasterTools,
): Promise<Detector> {
  const { facts, geometry } = used[0].frame
  const { amplifiers } = geometry
  const said = amplifiers.map(({ readNoise = facts.readNoise, gain = facts.gain }) => (readNoise ?? 0) / (gain ?? 1))
  const readNoiseAdu = said.map((value, k) => parents.bias.readNoiseAdu[k] ?? value)
  const gain = amplifiers.map((amplifier) => amplifier.gain ?? facts.gain)
  const keptDark = type === 'dark' && !tools.config.dark.scale
  if (type !== 'bias' && type !== 'flat' && !keptDark) return { readNoiseAdu, gain, measured: {} }
  const pairs = used.slice(1, MOST_PAIRS + 1).map((second, k) => pairArgs(type, used[k], second, readNoiseAdu, parents))
  const answers = await tools.map<PairArgs, (Measured | undefined)[]>('comparePair', pairs, {
    digests: 'later',
  })
  const chains = amplifiers.map((_, k) => meanOfChain(answers.map((pair) => pair[k])))
  const all = chains.every((chain) => chain !== undefined) ? (chains as Measured[]) : undefined
  // What darks vary by is read noise and that of their current.
  if (keptDark) return { readNoiseAdu: all?.map(({ value }) => value) ?? said, gain, measured: {} }
  if (type === 'bias') {
    return { readNoiseAdu: all?.map(({ value }) => value) ?? said, gain, measured: { readNoiseAdu: all } }
  }
  const trusted = all?.every(({ value, error }) => error < TRUSTED_GAIN * value) ? all : undefined
  return { readNoiseAdu, gain: trusted?.map(({ value }) => value) ?? gain, measured: { gain: trusted } }
}

function pairArgs(type: string, a: Used, b: Used, readNoiseAdu: number[], { bias, dark, net }: Parents): PairArgs {
  const frames = [a, b].map(({ look: { source, pedestals } }): Sampled => ({ source, pedestals, bias: net }))
  const below = [a, b].map(({ frame }) => bias.median + (frame.facts.exposureSeconds ?? 0) * dark.median)
  const { geometry, facts } = a.frame
  return { type, frames, geometry, saturation: facts.saturation, readNoiseAdu, below }
}

import { describeFrame, type FrameFacts, type InstrumentProfile } from '@nightpipe/config'
import { DataError } from '@nightpipe/files'
import { cardLookup, withFits } from '@nightpipe/fits'
import { type CircumstanceOptions, type Circumstances, readCircumstances } from './circumstances.js'
import { starFibres } from './fibres.js'
import { readSpectra, type SpectrumFile } from './spectrum-file.js'
import { type ArcPart, readWaveArcs } from './wave-arcs.js'

/** An exposure of a star or two, from its `-1d` file: spectra, header facts, and what each star fibre took when and of what. */
export interface StarExposure {
  path: string
  spectra: SpectrumFile
  facts: FrameFacts
  /** by fibre, those that see a star */
  stars: Circumstances[]
  /** what its arcs leave unknown of its wavelengths; undefined where the file does not tell */
  arcs?: ArcPart[] | undefined
}

export type StarOptions = Pick<
  CircumstanceOptions,
  'targets' | 'site' | 'ut1' | 'arcFibre' | 'preferHeader' | 'keepSecular'
>

/** Reads it. DataError when no fibre sees a star, or the header has no start or no exposure time. */
export function readStarExposure(path: string, profile: InstrumentProfile, options: StarOptions = {}): StarExposure {
  return withFits(path, (file) => {
    const spectra = readSpectra(file)
    const shape = { width: spectra.width, height: 1, name: file.name }
    const facts = describeFrame(cardLookup(file.hdus[0]!) as never, profile, shape)
    const [start, seconds] = [facts.mjd, facts.exposureSeconds]
    if (start === undefined)
      throw new DataError(`${file.name} has no date`, 'a velocity needs the start of the exposure')
    if (seconds === undefined) throw new DataError(`${file.name} has no exposure time`, 'a velocity needs the middle')
    const all = [...new Set(spectra.orders.map(({ fibre }) => fibre))]
    const lit = facts.fibres ? starFibres(facts.fibres).filter((fibre) => all.includes(fibre)) : all
    if (lit.length === 0) throw new DataError(`${file.name}: no fibre sees a star (${facts.fibres?.join('&')})`)
    const pointing =
      facts.raDeg === undefined || facts.decDeg === undefined ? undefined : { ra: facts.raDeg, dec: facts.decDeg }
    const stars = lit.map((fibre) =>
      readCircumstances(file, {
        ...options,
        ...{ fibre, fibres: facts.fibres, object: facts.object, start, seconds, pointing },
      }),
    )
    return { path, spectra, facts, stars, arcs: readWaveArcs(file) }
  })
}

import type { Header, NewHdu } from '@nightpipe/fits'
import {
  divideByFlat,
  divideLamp,
  type Extraction,
  type FlatDivided,
  LEAST_RESPONSE,
  type OrderSpectrum,
  ratioErrors,
  SpectrumBit,
  type Traces,
} from '@nightpipe/spectra'
import { lightOf, orderErrors, orderImageHdus, toOrderImage } from '@nightpipe/spectrographs'
import type { Amplitudes } from './extract-frame.js'
import type { ExtractJob } from './plan.js'

type Values = (one: OrderSpectrum) => ArrayLike<number> | undefined

/** The extension of SPEC with the part of its errors that is the flat's, and so the same in all exposures. */
const COMMON = 'ERRFLAT'

/** Columns that do not count for the amplitude of the flat, and are filled in its quotient. */
const UNUSABLE = SpectrumBit.noData | SpectrumBit.saturated | SpectrumBit.telluric | SpectrumBit.bad

/** The legacy images of a frame, in the order of its kinds; `hdus` take the header that they all bear. */
export function imagesOf(
  extraction: Extraction,
  { kinds, lit, fibres }: ExtractJob,
  traces: Traces,
): { hdus: ((header: Header) => NewHdu[])[]; amplitudes: Amplitudes } {
  const isLamp = ({ fibre }: OrderSpectrum) => (fibres ? lightOf(fibres[fibre]!) === 'arc' : false)
  const divided = new Map<OrderSpectrum, FlatDivided>()
  const amplitudes: Amplitudes = []
  for (const one of extraction.orders) {
    if (!kinds.includes('BLAZ') || !one.blaze || isLamp(one)) continue
    const parts = divideByFlat(one, one.blaze, UNUSABLE)
    divided.set(one, parts)
    amplitudes.push({ index: one.index, fibre: one.fibre, amplitude: parts.amplitude })
  }
  const values: Record<string, Values> = {
    FLAT: ({ blaze }) => blaze,
    DBLE: (one) => (one.blaze ? divideLamp(one, one.blaze) : one.flux),
    EXTR: (one) => divided.get(one)?.extracted ?? one.flux,
    SPEC: (one) => divided.get(one)?.ratio ?? (one.blaze ? divideLamp(one, one.blaze) : one.flux),
    BLAZ: (one) => divided.get(one)?.difference ?? one.flux,
  }
  const every = Array.from({ length: Math.max(3, traces.fibres) }, (_, fibre) => fibre)
  const hdus = kinds.map((kind) => {
    const imageOf = (value: Values) => toOrderImage(extraction, traces.orders, kind === 'FLAT' ? every : lit, value)
    const [image, unit] = [imageOf(values[kind]!), kind === 'FLAT' ? '' : 'electron']
    if (kind === 'FLAT') {
      const errors = imageOf(({ blazeError }) => blazeError)
      return (header: Header) => orderImageHdus(image, withUnit(header, unit), errors)
    }
    if (kind !== 'SPEC') return (header: Header) => orderImageHdus(image, withUnit(header, unit))
    const errorsOf = (one: OrderSpectrum) => ratioErrors(one, divided.has(one) ? 0 : LEAST_RESPONSE)
    const errors = imageOf((one) => errorsOf(one).all)
    const common = orderErrors(
      imageOf((one) => errorsOf(one).common),
      COMMON,
      unit,
    )
    return (header: Header) => [...orderImageHdus(image, withUnit(header, unit), errors), common]
  })
  return { hdus, amplitudes }
}

function withUnit(header: Header, unit: string): Header {
  if (!unit) return header
  return { cards: [...header.cards, { keyword: 'BUNIT', value: unit, comment: 'unit of the values' }] }
}

import type { Header, NewHdu } from '@nightpipe/fits'
import {
  divideByFlat,
  divideLamp,
  type Extraction,
  type FlatDivided,
  type OrderSpectrum,
  SpectrumBit,
  type Traces,
} from '@nightpipe/spectra'
import { lightOf, orderImageHdus, toOrderImage } from '@nightpipe/spectrographs'
import type { Amplitudes } from './extract-frame.js'
import type { ExtractJob } from './plan.js'

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
  const values: Record<string, (one: OrderSpectrum) => ArrayLike<number> | undefined> = {
    FLAT: ({ blaze }) => blaze,
    DBLE: (one) => (one.blaze ? divideLamp(one, one.blaze) : one.flux),
    EXTR: (one) => divided.get(one)?.extracted ?? one.flux,
    SPEC: (one) => divided.get(one)?.ratio ?? (one.blaze ? divideLamp(one, one.blaze) : one.flux),
    BLAZ: (one) => divided.get(one)?.difference ?? one.flux,
  }
  const every = Array.from({ length: Math.max(3, traces.fibres) }, (_, fibre) => fibre)
  const hdus = kinds.map((kind) => {
    const image = toOrderImage(extraction, traces.orders, kind === 'FLAT' ? every : lit, values[kind]!)
    return (header: Header) => orderImageHdus(image, withUnit(header, kind === 'FLAT' ? '' : 'electron'))
  })
  return { hdus, amplitudes }
}

function withUnit(header: Header, unit: string): Header {
  if (!unit) return header
  return { cards: [...header.cards, { keyword: 'BUNIT', value: unit, comment: 'unit of the values' }] }
}

import type { NewHdu } from '@nightpipe/fits'
import { medianOf } from '@nightpipe/math'
import { type Extraction, type OrderSpectrum, SpectrumBit } from '@nightpipe/spectra'

export interface OrderQuality {
  /** median signal over noise of a column */
  signalToNoise: number
  electrons: number
}

export interface Quality {
  orders: OrderQuality[]
  /** of the brightest fibre: the 90th percentile of its orders */
  signalToNoise: number
  electrons: Map<number, number>
  table: NewHdu
  measurements: Record<string, number>
}

/** Columns with these bits tell nothing of the quality. */
const UNUSABLE = SpectrumBit.noData | SpectrumBit.saturated | SpectrumBit.lowResponse

/** Signal to noise, electrons and cosmic rays of every order. */
export function qualityOf(extraction: Extraction): Quality {
  const orders = extraction.orders.map(orderQuality)
  const electrons = new Map<number, number>()
  extraction.orders.forEach(({ fibre }, k) => {
    electrons.set(fibre, (electrons.get(fibre) ?? 0) + orders[k]!.electrons)
  })
  const signalToNoise = Math.max(0, ...[...electrons.keys()].map((fibre) => bestOf(extraction, orders, fibre)))
  const hits = extraction.orders.map(({ mask }) => mask.reduce((n, m) => n + (m & SpectrumBit.cosmicRay ? 1 : 0), 0))
  const table: NewHdu = {
    ...{ kind: 'table', name: 'ORDERS', rows: orders.length },
    columns: [
      { name: 'index', values: Int32Array.from(extraction.orders, ({ index }) => index) },
      { name: 'fiber', values: Int32Array.from(extraction.orders, ({ fibre }) => fibre) },
      { name: 'snr', comment: 'median of a column', values: Float32Array.from(orders, (one) => one.signalToNoise) },
      { name: 'electrons', unit: 'electron', values: Float64Array.from(orders, (one) => one.electrons) },
      { name: 'cosmic', comment: 'columns hit by cosmic rays', values: Int32Array.from(hits) },
    ],
  }
  const total = hits.reduce((a, b) => a + b, 0)
  return {
    ...{ orders, signalToNoise, electrons, table },
    measurements: {
      ...{ orders: orders.length, snr: round(signalToNoise), electrons: Math.round(Math.max(...electrons.values())) },
      ...{ shift_px: Number(extraction.shift.toFixed(4)), cosmic: extraction.rejected, cosmic_columns: total },
    },
  }
}

const round = (value: number) => Number(value.toPrecision(4))

function orderQuality({ flux, uncertainty, mask }: OrderSpectrum): OrderQuality {
  const ratios: number[] = []
  let electrons = 0
  for (let x = 0; x < flux.length; x++) {
    if ((mask[x]! & UNUSABLE) !== 0 || !(uncertainty[x]! > 0)) continue
    ratios.push(flux[x]! / uncertainty[x]!)
    electrons += flux[x]!
  }
  return { signalToNoise: ratios.length > 0 ? medianOf(Float64Array.from(ratios)) : 0, electrons }
}

function bestOf({ orders }: Extraction, quality: readonly OrderQuality[], fibre: number): number {
  const own = quality.filter((_, k) => orders[k]!.fibre === fibre).map(({ signalToNoise }) => signalToNoise)
  own.sort((a, b) => a - b)
  return own[Math.floor(0.9 * (own.length - 1))] ?? 0
}

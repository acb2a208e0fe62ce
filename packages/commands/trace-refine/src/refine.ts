import { basename } from 'node:path'
import { DataError, type Job, type Row, type Tools, writeProduct } from '@nightpipe/command'
import { writeAtomically } from '@nightpipe/files'
import { medianOf } from '@nightpipe/math'
import { tracesFigure, writeFigure } from '@nightpipe/plot'
import { dimFlats, type FlatFrame, ForeignTraces, noiseOf, type RefinedTraces, refineTraces } from '@nightpipe/spectra'
import { readOrderFrame, readTraces, traceCards, tracesHdus } from '@nightpipe/spectrographs'
import { ordersChart, ordersTable } from './orders.js'
import type { RefineJob } from './plan.js'
import type { RefineSchema } from './schema.js'

/** Refines the traces on all flats, writes the TRACE file, its figures and a row for each order. */
export async function refine(
  { params, products, parents, inputs }: Job<RefineJob>,
  tools: Tools<RefineSchema>,
): Promise<Row[]> {
  const { profile, config, context } = tools
  const { rows, neighbours, ...options } = config.fit
  const all = params.flats.map(({ path, shown, lit }): NamedFlat => {
    const frame = readOrderFrame(path, shown, profile)
    const { width, height, pixels, mask, name } = frame
    return { path, name, width, height, pixels, mask, lit, noise: noiseOf({ ...frame, lit }) }
  })
  const dim = dimOnes(all)
  const flats = all.filter((flat) => !dim.has(flat))
  const [shownFlat] = flats as [NamedFlat]
  const picture = { ...shownFlat, pixels: shownFlat.pixels.slice(), unit: '' }
  const start = readTraces(params.traces, { height: shownFlat.height })
  const first = rows ? { ...start, rows: Math.ceil(rows) } : start
  const fitted = ownTraces(shownFlat.name, params.traces, () =>
    refineTraces(flats, first, { ...options, smooth: neighbours }),
  )
  if (fitted.light.every((light) => light === 0)) {
    throw new DataError(
      `${shownFlat.name}: no light where the traces are`,
      'is the lamp on, and are these the traces of this spectrograph?',
    )
  }
  const { traces } = fitted
  const { 'first order': firstOrder, 'order step': orderStep } = profile.values.spectrograph
  if (!traces.firstOrder && firstOrder) Object.assign(traces, { firstOrder, orderStep })
  const lit = params.flats[0]!.lit
  const source = basename(params.flats[0]!.path)
  const cards = traceCards({
    ...params,
    lit,
    height: profile.values.spectrograph.width || traces.rows,
    source,
    refined: true,
  })
  const [product, overFlat, chart, table] = products as [string, string, string, string]
  writeProduct(product, tracesHdus(traces, cards), context, parents)
  const name = basename(shownFlat.path)
  const foretold = (order: number, fibre: number) => fitted.light[order * traces.fibres + fibre] === 0
  await writeFigure(overFlat, tracesFigure(`${name}: traces`, picture, traces, foretold))
  await writeFigure(chart, ordersChart(name, fitted))
  writeAtomically(table, ordersTable(fitted))
  const measurements = measure(fitted, params, config.judge, config.fit.search)
  const reason = 'has less than a fifth of the light of the others of these fibres'
  return inputs.map((input) =>
    [...dim].some(({ path }) => path === input)
      ? { input, status: 'rejected', reason }
      : { input, status: 'done', product, measurements },
  )
}

/** Traces of another spectrograph, order or fibre are refused: what came of them would look right. */
function ownTraces(flat: string, traces: string, refined: () => RefinedTraces): RefinedTraces {
  try {
    return refined()
  } catch (error) {
    if (!(error instanceof ForeignTraces)) throw error
    throw new DataError(
      `${basename(traces)} is not of ${basename(flat)}: ${error.message}`,
      'make first traces anew of these flats by trace0, or check the fibres in their headers',
    )
  }
}

type NamedFlat = FlatFrame & { name: string; path: string }

/** Flats whose lamp was off, beside others of the same fibres. */
function dimOnes(all: readonly NamedFlat[]): Set<NamedFlat> {
  const kinds = new Map<string, NamedFlat[]>()
  for (const flat of all) kinds.set(flat.lit.join(), [...(kinds.get(flat.lit.join()) ?? []), flat])
  return new Set(
    [...kinds.values()].flatMap((flats) => {
      const dim = dimFlats(flats)
      return flats.filter((_, k) => dim[k])
    }),
  )
}

/** What the report tells, and why the traces should not be used, if so. */
function measure(
  { traces, light, shift, rejected, fwhm, apart }: RefinedTraces,
  { flats }: RefineJob,
  limits: Tools<RefineSchema>['config']['judge'],
  search: number,
): Row['measurements'] {
  const lit = [...new Set(flats.flatMap((flat) => flat.lit))].sort((a, b) => a - b)
  const wanted = Array.from(light, (_, at) => at).filter(
    (at) => lit.includes(at % traces.fibres) && traces.last[at]! >= traces.first[at]!,
  )
  // where there is none, what noise takes for centres scatters over the whole profile
  const seen = wanted.filter((at) => light[at]! > 0 && traces.scatter![at]! < limits.scatter)
  const typical = (values: Float64Array) =>
    seen.length ? medianOf(Float64Array.from(seen, (at) => values[at]!)) : undefined
  const [scatter, part] = [typical(traces.scatter!), seen.length / Math.max(1, wanted.length)]
  const doubts = [
    ...(apart < limits.apart * fwhm
      ? [
          `lit traces lie ${apart.toFixed(1)} px apart, ${(apart / fwhm).toFixed(1)} of their width: give flats that light one fibre at a time`,
        ]
      : []),
    ...(part < limits.lit
      ? [`${wanted.length - seen.length} of ${wanted.length} orders of lit fibres show no light`]
      : []),
    ...(search >= 1 && Math.abs(shift) > search - 0.3
      ? [`the image has moved by ${shift.toFixed(1)} px, as far as was looked`]
      : []),
  ]
  return {
    ...{ fibres: lit.join(' '), orders: traces.orders, lit: part, shift_px: shift, fwhm_px: fwhm },
    ...{ scatter_px: scatter, error_px: typical(traces.error!) },
    worst_px: seen.length ? Math.max(...seen.map((at) => traces.error![at]!)) : undefined,
    ...{ rejected, doubt: doubts.join('; ') || undefined },
  }
}

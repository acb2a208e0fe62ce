import { COLOURS, chart, type Figure } from '@nightpipe/plot'
import { type RefinedTraces, traceY } from '@nightpipe/spectra'
import { formatCsv } from '@nightpipe/table'

/** A row for each order and fibre that was fitted. */
export function ordersTable({ traces, light }: RefinedTraces): string {
  const header = ['index', 'order', 'fibre', 'y_px', 'first_px', 'last_px', 'scatter_px', 'error_px', 'light_per_px']
  const rows = fittedOrders({ traces, light }).map(({ at, order, fibre }) => [
    String(order),
    traces.firstOrder ? String(traces.firstOrder + order * traces.orderStep) : '',
    String(fibre),
    traceY(traces, order, fibre, traces.width / 2).toFixed(4),
    String(traces.first[at]),
    String(traces.last[at]),
    traces.scatter![at]!.toFixed(5),
    traces.error![at]!.toFixed(6),
    (light[at]! / (traces.last[at]! - traces.first[at]! + 1)).toFixed(1),
  ])
  return formatCsv([header, ...rows])
}

/** The scatter of the centres of columns, and how sure the traces are, order by order. */
export function ordersChart(name: string, fitted: RefinedTraces): Figure {
  const { traces } = fitted
  const points = fittedOrders(fitted)
  const fibres = [...new Set(points.map(({ fibre }) => fibre))]
  const series = fibres.flatMap((fibre) => {
    const own = points.filter((point) => point.fibre === fibre)
    const x = own.map(({ order }) => order)
    const colour = COLOURS[fibre % COLOURS.length]
    const of = (values: Float64Array) => own.map(({ at }) => values[at]!)
    return [
      { kind: 'points' as const, x, y: of(traces.scatter!), colour, label: `fibre ${fibre}` },
      { kind: 'line' as const, x, y: of(traces.error!), colour },
    ]
  })
  return chart({
    title: `${name}: how well the traces are known`,
    x: { label: 'order, from the bottom' },
    y: { label: 'points: scatter, lines: error (px)', log: true },
    series,
  })
}

function fittedOrders({ traces, light }: Pick<RefinedTraces, 'traces' | 'light'>) {
  return Array.from(light, (_, at) => ({
    at,
    order: Math.floor(at / traces.fibres),
    fibre: at % traces.fibres,
  })).filter(({ at }) => light[at]! > 0 && Number.isFinite(traces.scatter![at]!) && Number.isFinite(traces.error![at]!))
}

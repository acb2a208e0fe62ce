import { hasTrace, type Traces, traceY } from '@nightpipe/spectra'
import { pictureFigure } from './image-figure.js'
import { COLOURS, type Figure } from './svg.js'

/** Points of a curve over the whole width: between two of them the most curved order bends by a fiftieth of a pixel. */
const POINTS = 65

/** Traces over the frame that they were made from: a colour for each fibre, dashed where a trace is foretold only. */
export function tracesFigure(
  title: string,
  frame: { pixels: ArrayLike<number>; width: number; height: number; unit: string },
  traces: Traces,
  foretold: (order: number, fibre: number) => boolean = () => false,
): Figure {
  const curves = []
  for (let order = 0; order < traces.orders; order++) {
    for (let fibre = 0; fibre < traces.fibres; fibre++) {
      const at = order * traces.fibres + fibre
      const [first, last] = [traces.first[at]!, traces.last[at]!]
      if (!hasTrace(traces, order, fibre) || last < first) continue
      const points = Math.max(2, Math.ceil(((last - first) / traces.width) * POINTS))
      const x = Float64Array.from({ length: points }, (_, k) => first + (k * (last - first)) / (points - 1))
      const y = x.map((place) => traceY(traces, order, fibre, place))
      curves.push({ x, y, colour: COLOURS[(fibre + 1) % COLOURS.length]!, dashed: foretold(order, fibre) })
    }
  }
  return pictureFigure({ title, ...frame, curves })
}

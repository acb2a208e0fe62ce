import { position, type Scale } from './scale.js'
import type { Drawn } from './series.js'
import { element, FONT, textElement } from './svg.js'

/** What the colours mean, in a box over the plot; nothing where no series has a name. */
export function legend(drawn: readonly Drawn[], colours: readonly string[], across: Scale, up: Scale): string[] {
  const named = drawn.flatMap((s, k) => (s.label ? [{ label: s.label, colour: colours[k] }] : []))
  if (named.length === 0) return []
  const longest = Math.max(...named.map(({ label }) => label.length))
  const size = { width: 50 + longest * FONT * 0.62, height: named.length * 28 + 12 }
  const { left, top } = freePlace(size, drawn, across, up)
  const box = { x: left, y: top, ...size, fill: '#ffffff', 'fill-opacity': 0.85, stroke: '#bbbbbb' }
  const lines = named.flatMap(({ label, colour }, k) => {
    const y = top + 26 + k * 28
    return [
      element('rect', { x: left + 12, y: y - 13, width: 18, height: 14, fill: colour }),
      textElement(left + 40, y, label),
    ]
  })
  return [element('rect', box), ...lines]
}

/** Where marks are seen, with their radius: half of one must not stick out from under the box. */
const MARGIN = 8

/** The place in the plot where a box hides the fewest marks; corners before the middles, the upper right one first. */
function freePlace(box: { width: number; height: number }, drawn: readonly Drawn[], across: Scale, up: Scale) {
  const [bottom, top] = [Math.max(up.from, up.to) - box.height - 10, Math.min(up.from, up.to) + 10]
  const [left, right] = [across.from + 10, across.to - box.width - 10]
  const [middle, half] = [(left + right) / 2, (top + bottom) / 2]
  const corners = [top, bottom].flatMap((y) => [right, left].map((x) => [x, y] as const))
  const places = [...corners, [right, half], [left, half], [middle, top], [middle, bottom], [middle, half]] as const
  const marks = drawn.flatMap((s) => marksOf(s, across, up))
  const hidden = places.map(([x, y]) => {
    const isNear = (at: number, from: number, size: number) => at > from - MARGIN && at < from + size + MARGIN
    return marks.filter((mark) => isNear(mark.x, x, box.width) && isNear(mark.y, y, box.height)).length
  })
  const [x, y] = places[hidden.indexOf(Math.min(...hidden))]
  return { left: x, top: y }
}

/** Points between two of a line, so that it is not crossed unseen. */
const BETWEEN = 16

/** Where a series has put something on the plot; of the bars of a histogram, their ends. */
function marksOf(s: Drawn, across: Scale, up: Scale): { x: number; y: number }[] {
  const at = (x: number, y: number) => ({ x: position(across, x), y: position(up, y) })
  if (s.kind === 'bars') return s.counts.map((count, k) => at((s.edges[k] + s.edges[k + 1]) / 2, count))
  if (s.kind === 'level' || s.kind === 'position') return []
  const points = Array.from(s.x, (x, k) => at(x, s.y[k]))
  if (s.kind === 'points' || points.length > 500) return points
  return points.flatMap((point, k) => {
    const next = points[k + 1] ?? point
    return Array.from({ length: BETWEEN }, (_, i) => {
      const share = i / BETWEEN
      return { x: point.x + share * (next.x - point.x), y: point.y + share * (next.y - point.y) }
    })
  })
}

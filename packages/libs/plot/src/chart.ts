import { histogramBars } from './histogram.js'
import { legend } from './legend.js'
import { position, rangeOf, type Scale, type Tick, ticks, timeTicks } from './scale.js'
import type { Axis, Chart, Drawn } from './series.js'
import { COLOURS, digits, document, element, type Figure, FONT, textElement } from './svg.js'
import { titleElements } from './title.js'

const LEFT = 110
const RIGHT = 24
const TOP = 56
const BOTTOM = 76
/** What a title leaves free at both sides. */
const EDGE = 12

/** Lines, points with errors and histograms over two axes. What is not finite is not drawn. */
export function chart({ title, x, y, series, width = 1000, height = 640 }: Chart): Figure {
  const drawn = series.map((s) => (s.kind === 'histogram' ? histogramBars(s) : s))
  const xs = x.range ?? rangeOf(drawn.flatMap(xValues), x.log)
  const ys = y.range ?? rangeOf(drawn.flatMap(yValues), y.log)
  const across: Scale = { low: xs[0], high: xs[1], log: x.log ?? false, from: LEFT, to: width - RIGHT }
  const [bottom, top] = [height - BOTTOM, TOP]
  const up: Scale = {
    low: ys[0],
    high: ys[1],
    log: y.log ?? false,
    from: y.inverted ? top : bottom,
    to: y.inverted ? bottom : top,
  }
  const colours = drawn.map((s, k) => s.colour ?? COLOURS[k % COLOURS.length])
  const marks = drawn.map((s, k) => draw(s, colours[k], across, up))
  const body = `\n${marks.join('\n')}\n`
  return document(width, height, [
    ...titleElements(EDGE, width - EDGE, title),
    ...axes(x, y, across, up, width, height),
    ...(x.range || y.range ? clipped(body, width, bottom) : [element('g', {}, body)]),
    ...legend(drawn, colours, across, up),
  ])
}

/** Kept within the axes: only where their range was given, for painting costs twice as much with it. */
function clipped(body: string, width: number, bottom: number): string[] {
  const inside = element('rect', { x: LEFT, y: TOP, width: width - LEFT - RIGHT, height: bottom - TOP })
  return [
    element('defs', {}, element('clipPath', { id: 'plot' }, inside)),
    element('g', { 'clip-path': 'url(#plot)' }, body),
  ]
}

const xValues = (s: Drawn): number[] =>
  s.kind === 'bars' ? s.edges : s.kind === 'position' ? [s.x] : s.kind === 'level' ? [] : Array.from(s.x)

function yValues(s: Drawn): number[] {
  if (s.kind === 'bars') return [0, ...s.counts]
  if (s.kind === 'position') return []
  if (s.kind === 'level') return [s.y]
  const values = Array.from(s.y)
  if (s.kind === 'line' || !s.error) return values
  return values.flatMap((v, k) => [v - s.error![k], v + s.error![k]])
}

function draw(s: Drawn, colour: string, across: Scale, up: Scale): string {
  const px = (v: number) => position(across, v)
  const py = (v: number) => position(up, v)
  const stroke = { stroke: colour, 'stroke-width': 2.5, fill: 'none' }
  if (s.kind === 'level')
    return element('line', {
      x1: across.from,
      x2: across.to,
      y1: py(s.y),
      y2: py(s.y),
      ...stroke,
      'stroke-dasharray': '10 8',
    })
  if (s.kind === 'position')
    return element('line', { x1: px(s.x), x2: px(s.x), y1: up.from, y2: up.to, ...stroke, 'stroke-dasharray': '10 8' })
  if (s.kind === 'bars') {
    const floor = up.log ? up.from : py(0)
    const path = s.counts.map((count, k) => {
      const height = up.log && count <= 0 ? floor : py(count)
      return `L${px(s.edges[k]).toFixed(2)} ${height.toFixed(2)}H${px(s.edges[k + 1]).toFixed(2)}`
    })
    return element('path', {
      d: `M${px(s.edges[0]).toFixed(2)} ${floor.toFixed(2)}${path.join('')}V${floor.toFixed(2)}Z`,
      fill: colour,
      'fill-opacity': 0.45,
      stroke: colour,
      'stroke-width': 1.5,
    })
  }
  if (s.kind === 'line') {
    const parts: string[] = []
    let pen = 'M'
    for (let k = 0; k < s.x.length; k++) {
      const [a, b] = [px(s.x[k]), py(s.y[k])]
      if (!Number.isFinite(a) || !Number.isFinite(b)) pen = 'M'
      else {
        parts.push(`${pen}${a.toFixed(2)} ${b.toFixed(2)}`)
        pen = 'L'
      }
    }
    return element('path', {
      d: parts.join('') || 'M0 0',
      ...stroke,
      'stroke-dasharray': s.dashed ? '10 8' : undefined,
    })
  }
  return points(s, colour, px, py)
}

function points(
  s: Extract<Drawn, { kind: 'points' }>,
  colour: string,
  px: (v: number) => number,
  py: (v: number) => number,
): string {
  const bars: string[] = []
  const marks: string[] = []
  const rings: string[] = []
  const radius = s.x.length > 2000 ? 1.5 : s.x.length > 200 ? 3 : 6
  const size = 2 * radius
  for (let k = 0; k < s.x.length; k++) {
    const [a, b] = [px(s.x[k]), py(s.y[k])]
    if (!Number.isFinite(a) || !Number.isFinite(b)) continue
    const error = s.error?.[k]
    if (error !== undefined && Number.isFinite(error)) {
      bars.push(`M${digits(a)} ${digits(py(s.y[k] - error))}V${digits(py(s.y[k] + error))}`)
    }
    if (s.marker === 'cross')
      marks.push(`M${digits(a - radius)} ${digits(b - radius)}l${size} ${size}m0 ${-size}l${-size} ${size}`)
    else if (s.marker !== 'ring') marks.push(`M${digits(a)} ${digits(b)}h0`)
    else rings.push(element('circle', { cx: a, cy: b, r: radius, fill: '#ffffff', stroke: colour, 'stroke-width': 2 }))
  }
  // all of a kind in one path: an element for each takes twice as long to paint, and five times as long to read
  const path = (d: readonly string[], width: number, cap?: string) => {
    const stroke = { stroke: colour, 'stroke-width': width, 'stroke-linecap': cap, fill: 'none' }
    return d.length > 0 ? [element('path', { d: d.join(''), ...stroke })] : []
  }
  const drawn = s.marker === 'cross' ? path(marks, 3) : path(marks, size + 2, 'round')
  return [...path(bars, 2), ...drawn, ...rings].join('\n')
}

function axes(x: Axis, y: Axis, across: Scale, up: Scale, width: number, height: number): string[] {
  const bottom = height - BOTTOM
  const xTicks = x.time ? timeTicks(across.low, across.high, 5) : ticks(across, 6)
  const yTicks = y.time ? timeTicks(up.low, up.high, 5) : ticks(up, 6)
  const grid = { stroke: '#dddddd', 'stroke-width': 1.5 }
  const out: string[] = []
  for (const { value, label } of inside(xTicks, across)) {
    const a = position(across, value)
    out.push(element('line', { x1: a, x2: a, y1: TOP, y2: bottom, ...grid }))
    out.push(textElement(a, bottom + 28, label, { 'text-anchor': 'middle' }))
  }
  for (const { value, label } of inside(yTicks, up)) {
    const b = position(up, value)
    out.push(element('line', { x1: LEFT, x2: width - RIGHT, y1: b, y2: b, ...grid }))
    out.push(textElement(LEFT - 10, b + FONT / 3, label, { 'text-anchor': 'end' }))
  }
  out.push(
    element('rect', {
      x: LEFT,
      y: TOP,
      width: width - LEFT - RIGHT,
      height: bottom - TOP,
      fill: 'none',
      stroke: '#222222',
      'stroke-width': 2,
    }),
  )
  out.push(textElement((LEFT + width - RIGHT) / 2, height - 16, x.label, { 'text-anchor': 'middle' }))
  const middle = (TOP + bottom) / 2
  out.push(textElement(26, middle, y.label, { 'text-anchor': 'middle', transform: `rotate(-90 26 ${middle})` }))
  return out
}

const inside = (all: readonly Tick[], { low, high }: Scale) => all.filter(({ value }) => value >= low && value <= high)

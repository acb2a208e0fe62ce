import { power } from '@nightpipe/math'
import { safe } from './html.js'

/** One series of points of a chart. */
export interface Series {
  label: string
  colour: string
  points: { x: number; y: number; error?: number; limit?: boolean; hint: string }[]
}

export interface ChartOptions {
  title: string
  x: string
  y: string
  /** brighter is up */
  inverted?: boolean
  /** a logarithmic axis about 0, linear within this distance of it, and a line at 0 that says T0 */
  event?: number
  /** what is counted has no halves */
  whole?: boolean
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [560, 300, 74, 14, 30, 46]

/** A scatter chart as SVG that takes its colours from the page, and scales with it. */
export function chart(options: ChartOptions, series: readonly Series[]): string {
  const all = series.flatMap(({ points }) => points)
  const to =
    options.event === undefined
      ? (x: number) => x
      : (x: number) => Math.sign(x) * Math.log10(1 + Math.abs(x) / options.event!)
  const xs = all.map(({ x }) => to(x))
  const ys = all.flatMap(({ y, error = 0 }) => [y - error, y + error])
  const across = span(options.event === undefined ? xs : [...xs, 0])
  const up = span(ys)
  const px = (x: number) => LEFT + ((to(x) - across[0]) / (across[1] - across[0])) * (WIDTH - LEFT - RIGHT)
  const fraction = (y: number) => (y - up[0]) / (up[1] - up[0])
  const py = (y: number) => TOP + (options.inverted ? fraction(y) : 1 - fraction(y)) * (HEIGHT - TOP - BOTTOM)
  const xTicks = options.event === undefined ? linearTicks(across) : eventTicks(across, options.event, to)
  const parts = [
    ...xTicks.map(([x, label]) => gridX(px(x), label)),
    ...linearTicks(up, options.whole ? 1 : 0).map(([y, label]) => gridY(py(y), label)),
    `<rect x="${LEFT}" y="${TOP}" width="${WIDTH - LEFT - RIGHT}" height="${HEIGHT - TOP - BOTTOM}" class="frame"/>`,
    ...(options.event === undefined ? [] : [t0Line(px(0))]),
    ...series.flatMap(({ colour, points }) => points.map((point) => mark(px(point.x), py, point, colour))),
    ...series.map(({ label, colour }, k) => legend(label, colour, k, series.length)),
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${safe(options.x)}</text>`,
    `<text transform="rotate(-90 13 ${(TOP + HEIGHT - BOTTOM) / 2})" x="13" y="${(TOP + HEIGHT - BOTTOM) / 2}" text-anchor="middle">${safe(options.y)}</text>`,
    `<text x="${LEFT}" y="18" class="name">${safe(options.title)}</text>`,
  ]
  return `<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${safe(options.title)}">${parts.join('')}</svg>`
}

/** A little more than the values; never empty. */
function span(values: readonly number[]): [number, number] {
  const finite = values.filter(Number.isFinite)
  const [low, high] = [Math.min(...finite), Math.max(...finite)]
  if (finite.length === 0) return [0, 1]
  const margin = high > low ? 0.06 * (high - low) : Math.max(0.5, 0.05 * Math.abs(high))
  return [low - margin, high + margin]
}

function linearTicks([low, high]: readonly [number, number], least = 0): [number, string][] {
  const rough = (high - low) / 5
  const decade = power(10, Math.floor(Math.log10(rough)))
  const step = Math.max(least, [1, 2, 5, 10].map((m) => m * decade).find((s) => s >= rough)!)
  const first = Math.ceil(low / step)
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9))
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, k) => {
    const value = (first + k) * step
    return [value, value.toFixed(Math.min(digits, 8))]
  })
}

const MOMENTS: [number, string][] = [
  [60, '1 min'],
  [600, '10 min'],
  [3600, '1 h'],
  [6 * 3600, '6 h'],
  [86400, '1 d'],
  [10 * 86400, '10 d'],
  [100 * 86400, '100 d'],
]

/** Moments before and after the event, as far as they do not crowd. */
function eventTicks(across: readonly [number, number], near: number, to: (x: number) => number): [number, string][] {
  const both = MOMENTS.flatMap(([t, label]): [number, string][] => [
    [-t, `−${label}`],
    [t, label],
  ])
  const inside = both.filter(([t]) => Math.abs(t) > near / 2 && to(t) > across[0] && to(t) < across[1])
  const least = (across[1] - across[0]) / 9
  const kept: [number, string][] = []
  for (const tick of inside.sort((a, b) => a[0] - b[0])) {
    if (Math.abs(to(tick[0])) > least && kept.every(([t]) => Math.abs(to(t) - to(tick[0])) > least)) kept.push(tick)
  }
  return kept
}

const gridX = (x: number, label: string) =>
  `<line x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="${TOP}" y2="${HEIGHT - BOTTOM}" class="grid"/><text x="${x.toFixed(1)}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${label}</text>`
const gridY = (y: number, label: string) =>
  `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}" class="grid"/><text x="${LEFT - 6}" y="${(y + 4).toFixed(1)}" text-anchor="end">${label}</text>`
const t0Line = (x: number) =>
  `<line x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="${TOP}" y2="${HEIGHT - BOTTOM}" class="event"/><text x="${x.toFixed(1)}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle" class="t0">T0</text>`

function mark(
  x: number,
  py: (y: number) => number,
  { y, error, limit, hint }: Series['points'][number],
  colour: string,
): string {
  const at = py(y)
  const title = `<title>${safe(hint)}</title>`
  if (limit) {
    // An arrow towards the faint: nothing was seen down to here.
    const down = py(y + 1) > at ? 1 : -1
    return `<path d="M${x.toFixed(1)} ${at.toFixed(1)}v${9 * down}m-4 ${-4 * down}l4 ${4 * down} 4 ${-4 * down}M${(x - 5).toFixed(1)} ${at.toFixed(1)}h10" fill="none" stroke="${colour}" stroke-width="1.6">${title}</path>`
  }
  const bar = error
    ? `<line x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="${py(y - error).toFixed(1)}" y2="${py(y + error).toFixed(1)}" stroke="${colour}" stroke-width="1.4"/>`
    : ''
  return `${bar}<circle cx="${x.toFixed(1)}" cy="${at.toFixed(1)}" r="3.4" fill="${colour}">${title}</circle>`
}

function legend(label: string, colour: string, k: number, of: number): string {
  if (of < 2 && label === '') return ''
  const x = WIDTH - RIGHT - 46 * (of - k)
  return `<circle cx="${x}" cy="14" r="4" fill="${colour}"/><text x="${x + 8}" y="18">${safe(label.slice(0, 5))}</text>`
}

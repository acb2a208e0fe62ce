import { chart, type Figure } from '@nightpipe/plot'
import type { Solved } from './solve.js'

/** Residuals in x and y against the distance from the middle of the frame: noise is a band, distortion left over a curve. */
export function residualPlot(name: string, { x, y, dx, dy, used, width, height, rms, matched }: Solved): Figure {
  const kept = [...used.keys()].filter((k) => used[k] === 1)
  const out = [...used.keys()].filter((k) => used[k] === 0)
  const [cx, cy] = [(width - 1) / 2, (height - 1) / 2]
  const radius = (k: number) => Math.hypot(x[k]! - cx, y[k]! - cy)
  // along the direction away from the middle, and across it
  const radial = (k: number) => (dx[k]! * (x[k]! - cx) + dy[k]! * (y[k]! - cy)) / Math.max(1e-9, radius(k))
  const across = (k: number) => (dy[k]! * (x[k]! - cx) - dx[k]! * (y[k]! - cy)) / Math.max(1e-9, radius(k))
  const limit = Math.max(1e-3, 5 * rms)
  return chart({
    title: `${name}: ${matched} stars, rms ${rms.toPrecision(3)} px along an axis`,
    x: { label: 'distance from the middle (px)', range: [0, Math.hypot(cx, cy)] },
    y: { label: 'catalogue minus frame (px)', range: [-limit, limit] },
    series: [
      { kind: 'points', x: kept.map(radius), y: kept.map(radial), label: 'radial' },
      { kind: 'points', x: kept.map(radius), y: kept.map(across), label: 'tangential', marker: 'ring' },
      { kind: 'points', x: out.map(radius), y: out.map(radial), label: 'not used', marker: 'cross', colour: '#888888' },
      { kind: 'level', y: 0, colour: '#888888' },
    ],
  })
}

import { render, reticle } from './image-figure.js'
import { encodePng } from './png.js'
import type { Cuts, Stretch } from './stretch.js'
import { document, element, type Figure, textElement } from './svg.js'

/** One image of several side by side. */
export interface Panel {
  title: string
  pixels: ArrayLike<number>
  width: number
  height: number
  cuts: Cuts
  stretch?: Stretch
  /** places to be shown, in pixels from 0 */
  marks?: readonly { x: number; y: number; label?: string }[]
}

const [GAP, TOP] = [16, 44]

/** Images side by side, first rows at the bottom, NaN in red: to be compared by eye. `side` is the largest of each. */
export function panelsFigure(panels: readonly Panel[], side = 480): Figure {
  const body: string[] = []
  let [left, bottom] = [GAP, 0]
  for (const { title, pixels, width, height, cuts, stretch = 'linear', marks = [] } of panels) {
    const shrink = Math.max(1, Math.ceil(Math.max(width, height) / side))
    const small = { width: Math.max(1, Math.floor(width / shrink)), height: Math.max(1, Math.floor(height / shrink)) }
    const enlarge = Math.max(1, Math.min(side / small.width, side / small.height))
    const [w, h] = [Math.round(small.width * enlarge), Math.round(small.height * enlarge)]
    const png = encodePng(render(pixels, width, shrink, small, cuts, stretch), small.width, small.height)
    const href = `data:image/png;base64,${Buffer.from(png).toString('base64')}`
    const place = { x: left, y: TOP, width: w, height: h }
    const [across, up] = [w / (small.width * shrink), h / (small.height * shrink)]
    body.push(
      textElement(left + w / 2, 30, title, { 'text-anchor': 'middle', 'font-weight': 'bold' }),
      element('image', { ...place, href, 'image-rendering': 'optimizeSpeed', preserveAspectRatio: 'none' }),
      element('rect', { ...place, fill: 'none', stroke: '#222222', 'stroke-width': 1 }),
      ...marks.flatMap(({ x, y, label }) => {
        const at = left + (x + 0.5) * across
        return reticle(at, TOP + h - (y + 0.5) * up, at > left + w / 2 ? -1 : 1, label)
      }),
    )
    left += w + GAP
    bottom = Math.max(bottom, TOP + h)
  }
  return document(left, bottom + GAP, body)
}

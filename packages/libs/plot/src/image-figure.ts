import { encodePng } from './png.js'
import { type Scale, ticks } from './scale.js'
import { type Cuts, type Stretch, stretched, zscale } from './stretch.js'
import { document, element, type Figure, FONT, textElement } from './svg.js'
import { titleElements } from './title.js'

export interface Picture {
  title: string
  pixels: ArrayLike<number>
  width: number
  height: number
  /** Default: zscale of the pixels. */
  cuts?: Cuts
  /** Default: linear between the levels of zscale, asinh between given ones. */
  stretch?: Stretch
  /** What the colour bar shows, with the unit. */
  unit: string
  /** Largest side of the image in the figure. */
  side?: number
  /** Places to be shown, in pixels from 0, by two strokes that end beside each. */
  marks?: readonly { x: number; y: number; label?: string }[]
  /** Curves over the image, in pixels from 0; a gap where x or y is not finite. */
  curves?: readonly { x: ArrayLike<number>; y: ArrayLike<number>; colour: string; dashed?: boolean }[]
}

/** An image with its first row at the bottom, as FITS viewers show it, and a bar of its levels. NaN is red. */
export function pictureFigure({
  title,
  pixels,
  width,
  height,
  cuts,
  stretch = 'asinh',
  unit,
  side = 900,
  marks = [],
  curves = [],
}: Picture): Figure {
  const levels = cuts ?? zscale(pixels)
  const shrink = Math.max(1, Math.ceil(Math.max(width, height) / side))
  const small = { width: Math.max(1, Math.floor(width / shrink)), height: Math.max(1, Math.floor(height / shrink)) }
  const enlarge = Math.max(1, Math.min(side / small.width, side / small.height))
  const [w, h] = [Math.round(small.width * enlarge), Math.round(small.height * enlarge)]
  const png = encodePng(greyAlone(render(pixels, width, shrink, small, levels, stretch)), small.width, small.height)
  const href = `data:image/png;base64,${Buffer.from(png).toString('base64')}`
  const [left, top] = [24, 56]
  const bar = { x: left + w + 24, width: 28 }
  const scale: Scale = { ...levels, log: false, from: top + h, to: top }
  const body = [
    ...titleElements(left, left + w, title),
    element('image', {
      x: left,
      y: top,
      width: w,
      height: h,
      href,
      'image-rendering': 'optimizeSpeed',
      preserveAspectRatio: 'none',
    }),
    element('rect', { x: left, y: top, width: w, height: h, fill: 'none', stroke: '#222222', 'stroke-width': 2 }),
    ...curves.map(({ x, y, colour, dashed }) => {
      const [across, up] = [w / (small.width * shrink), h / (small.height * shrink)]
      const d = curvePath(
        x,
        y,
        (a) => left + (a + 0.5) * across,
        (b) => top + h - (b + 0.5) * up,
      )
      return element('path', {
        d,
        stroke: colour,
        'stroke-width': 1,
        fill: 'none',
        'stroke-dasharray': dashed ? '6 4' : undefined,
      })
    }),
    ...marks.flatMap(({ x, y, label }) => {
      const at = left + (x + 0.5) * (w / (small.width * shrink))
      const side = at > left + w / 2 ? -1 : 1
      return reticle(at, top + h - (y + 0.5) * (h / (small.height * shrink)), side, label)
    }),
    ...colourBar(bar, scale, stretch, h, top),
    textElement(bar.x + 110, top + h / 2, unit, {
      'text-anchor': 'middle',
      transform: `rotate(-90 ${bar.x + 110} ${top + h / 2})`,
    }),
  ]
  return document(left + w + 24 + 28 + 110, top + h + 24, body)
}

/** Two strokes that leave the place itself free, and its name beside them, on the side where there is room. */
export function reticle(x: number, y: number, side: 1 | -1, label?: string): string[] {
  const stroke = { stroke: '#d55e00', 'stroke-width': 3 }
  const anchor = { 'text-anchor': side > 0 ? 'start' : 'end' }
  return [
    element('line', { x1: x + side * 14, y1: y, x2: x + side * 44, y2: y, ...stroke }),
    element('line', { x1: x, y1: y - 14, x2: x, y2: y - 44, ...stroke }),
    ...(label
      ? [textElement(x + side * 50, y + FONT / 3, label, { fill: '#d55e00', 'font-weight': 'bold', ...anchor })]
      : []),
  ]
}

function curvePath(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  px: (x: number) => number,
  py: (y: number) => number,
): string {
  let [path, pen] = ['', 'M']
  for (let k = 0; k < x.length; k++) {
    const [a, b] = [px(x[k]!), py(y[k]!)]
    if (Number.isFinite(a) && Number.isFinite(b)) {
      path += `${pen}${a.toFixed(2)} ${b.toFixed(2)}`
      pen = 'L'
    } else pen = 'M'
  }
  return path || 'M0 0'
}

/** RGB, top row last in the data; `shrink` pixels of each direction become one, their mean, NaN left out. */
export function render(
  pixels: ArrayLike<number>,
  stride: number,
  shrink: number,
  small: { width: number; height: number },
  cuts: Cuts,
  stretch: Stretch,
): Uint8Array {
  const out = new Uint8Array(3 * small.width * small.height)
  for (let y = 0; y < small.height; y++) {
    for (let x = 0; x < small.width; x++) {
      const value = boxMean(pixels, stride, x * shrink, y * shrink, shrink)
      const to = 3 * ((small.height - 1 - y) * small.width + x)
      if (Number.isNaN(value)) out[to] = 200
      else out[to] = out[to + 1] = out[to + 2] = Math.round(255 * stretched(value, cuts, stretch))
    }
  }
  return out
}

/** One byte a pixel where there is no colour: a third of the work of packing it. */
function greyAlone(rgb: Uint8Array): Uint8Array {
  const grey = new Uint8Array(rgb.length / 3)
  for (let p = 0; p < grey.length; p++) {
    grey[p] = rgb[3 * p]
    if (rgb[3 * p + 1] !== grey[p]) return rgb
  }
  return grey
}

function boxMean(pixels: ArrayLike<number>, stride: number, x0: number, y0: number, side: number): number {
  let sum = 0
  let n = 0
  for (let y = y0; y < y0 + side; y++) {
    for (let x = x0; x < x0 + side; x++) {
      const value = pixels[y * stride + x]
      if (Number.isNaN(value)) continue
      sum += value
      n++
    }
  }
  return sum / n
}

function colourBar(
  bar: { x: number; width: number },
  scale: Scale,
  stretch: Stretch,
  height: number,
  top: number,
): string[] {
  const steps = 64
  const out: string[] = []
  for (let k = 0; k < steps; k++) {
    const value = scale.low + ((k + 0.5) / steps) * (scale.high - scale.low)
    const grey = Math.round(255 * stretched(value, scale, stretch))
    const y = top + height - ((k + 1) * height) / steps
    out.push(element('rect', { ...bar, y, height: height / steps + 0.5, fill: `rgb(${grey},${grey},${grey})` }))
  }
  out.push(element('rect', { ...bar, y: top, height, fill: 'none', stroke: '#222222', 'stroke-width': 2 }))
  for (const { value, label } of ticks(scale, 6)) {
    const y = top + height - ((value - scale.low) / (scale.high - scale.low)) * height
    out.push(textElement(bar.x + bar.width + 6, y + FONT / 3, label, { 'font-size': FONT * 0.8 }))
  }
  return out
}

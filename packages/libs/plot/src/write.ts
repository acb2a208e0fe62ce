import { createRequire } from 'node:module'
import { writeAtomically } from '@nightpipe/files'
import { encodeAnimatedPng, encodePng } from './png.js'
import type { Figure } from './svg.js'
import { FONT_FAMILY } from './svg.js'

/** The picture as PNG. */
export async function renderPng(figure: Figure): Promise<Uint8Array> {
  const page = await render(figure)
  const { width, height } = page
  return encodePng(withoutAlpha(page.pixels), width, height, DRAWING)
}

/** Level of compression. resvg's own PNG takes three times as long; drawings are a tenth smaller so, pictures a third larger. */
const DRAWING = 3

/** Figures of one size, shown in turn for `milliseconds` each, as an animated PNG. */
export async function renderAnimation(figures: readonly Figure[], milliseconds: number): Promise<Uint8Array> {
  const pages = await Promise.all(figures.map(render))
  const { width, height } = pages[0] ?? { width: 0, height: 0 }
  const pictures = pages.map(({ pixels }) => withoutAlpha(pixels))
  return encodeAnimatedPng(pictures, width, height, milliseconds)
}

/** The page of a figure is opaque. */
function withoutAlpha(rgba: Uint8Array): Uint8Array {
  const out = new Uint8Array((rgba.length / 4) * 3)
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    out[to++] = rgba[from]!
    out[to++] = rgba[from + 1]!
    out[to++] = rgba[from + 2]!
  }
  return out
}

/** The picture as pixels: red, green, blue and how opaque. The font comes with the package: a bare machine has none. */
export async function render({ svg, width }: Figure) {
  const { Resvg } = await import('@resvg/resvg-js')
  const fonts = createRequire(import.meta.url)
  const fontFiles = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'].map((name) =>
    fonts.resolve(`dejavu-fonts-ttf/ttf/${name}`),
  )
  const font = { fontFiles, loadSystemFonts: false, defaultFontFamily: FONT_FAMILY }
  return new Resvg(svg, { font, fitTo: { mode: 'width', value: width } }).render()
}

/** Writes a figure as its name asks: `.svg`, or `.png`. */
export async function writeFigure(path: string, figure: Figure): Promise<void> {
  writeAtomically(path, path.endsWith('.svg') ? figure.svg : await renderPng(figure))
}

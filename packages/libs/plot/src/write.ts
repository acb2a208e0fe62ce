import { createRequire } from 'node:module'
import { writeAtomically } from '@nightpipe/files'
import type { Figure } from './svg.js'
import { FONT_FAMILY } from './svg.js'

/** The picture as PNG. */
export const renderPng = async (figure: Figure): Promise<Uint8Array> => (await render(figure)).asPng()

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

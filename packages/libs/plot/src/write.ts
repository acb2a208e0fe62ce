import { createRequire } from 'node:module'
import { writeAtomically } from '@nightpipe/files'
import type { Figure } from './svg.js'
import { FONT_FAMILY } from './svg.js'

/** The picture as PNG. The font comes with the package: a bare machine has none. */
export async function renderPng({ svg, width }: Figure): Promise<Uint8Array> {
  const { Resvg } = await import('@resvg/resvg-js')
  const fonts = createRequire(import.meta.url)
  const fontFiles = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'].map((name) =>
    fonts.resolve(`dejavu-fonts-ttf/ttf/${name}`),
  )
  const font = { fontFiles, loadSystemFonts: false, defaultFontFamily: FONT_FAMILY }
  return new Resvg(svg, { font, fitTo: { mode: 'width', value: width } }).render().asPng()
}

/** Writes a figure as its name asks: `.svg`, or `.png`. */
export async function writeFigure(path: string, figure: Figure): Promise<void> {
  writeAtomically(path, path.endsWith('.svg') ? figure.svg : await renderPng(figure))
}

/** A finished picture: SVG text and its size. */
export interface Figure {
  svg: string
  width: number
  height: number
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
export const escapeXml = (text: string) => text.replace(/[&<>"]/g, (c) => ESCAPES[c])

/** A coordinate with two digits: enough for the eye, and the same bytes everywhere. */
export const digits = (value: number) => (Math.round(value * 100) / 100).toString()

type Attributes = Record<string, string | number | undefined>

/** One element: `element('circle', { cx: 3, cy: 4, r: 2 })`. */
export function element(name: string, attributes: Attributes, content = ''): string {
  const parts = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? digits(value) : escapeXml(String(value))}"`)
  return content ? `<${name}${parts.join('')}>${content}</${name}>` : `<${name}${parts.join('')}/>`
}

export const textElement = (x: number, y: number, text: string, more: Attributes = {}) =>
  element('text', { x, y, ...more }, escapeXml(text))

/** The size at which text is read on a phone held upright, where a figure is shrunk to less than half. */
export const FONT = 20
export const FONT_FAMILY = 'DejaVu Sans'

/** Colours that people who see red and green alike can tell apart (Wong 2011, Nature Methods 8, 441). */
export const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'] as const

export function document(width: number, height: number, body: readonly string[]): Figure {
  const style = { 'font-family': FONT_FAMILY, 'font-size': FONT, fill: '#222222' }
  const background = element('rect', { width, height, fill: '#ffffff' })
  const attributes = { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${width} ${height}`, width, height }
  const svg = element('svg', attributes, `\n${background}\n${element('g', style, `\n${body.join('\n')}\n`)}\n`)
  return { svg: `${svg}\n`, width, height }
}

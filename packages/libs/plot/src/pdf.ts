import { deflateSync } from 'node:zlib'
import { parseXml, type XmlElement } from '@nightpipe/xml'
import { latinText, textWidth } from './helvetica.js'
import { pngParts } from './png-parts.js'
import type { Figure } from './svg.js'

type Attributes = Readonly<Record<string, string>>

/** What a page has drawn, and the pictures on it. */
interface Page {
  /** of the page, points */
  height: number
  scale: number
  lines: string[]
  pictures: Buffer[][]
  clips: Map<string, XmlElement>
}

/** Long side of a page, points: A4. */
const LONG_SIDE = 842

/** Figures as a PDF, one on a page: lines and letters, not pixels. The same figures give the same bytes. */
export function figuresPdf(figures: readonly Figure[]): Buffer {
  const pages = figures.map(draw)
  const objects: Buffer[][] = []
  const add = (...parts: (string | Buffer)[]) =>
    objects.push(parts.map((part) => Buffer.from(part as string, 'latin1')))
  const first = 5
  const kids: number[] = []
  let next = first
  for (const { pictures } of pages) {
    kids.push(next)
    next += 2 + pictures.length
  }
  add('<< /Type /Catalog /Pages 2 0 R >>')
  add(`<< /Type /Pages /Kids [${kids.map((n) => `${n} 0 R`).join(' ')}] /Count ${pages.length} >>`)
  for (const name of ['Helvetica', 'Helvetica-Bold']) {
    add(`<< /Type /Font /Subtype /Type1 /BaseFont /${name} /Encoding /WinAnsiEncoding >>`)
  }
  pages.forEach(({ height, scale, lines, pictures }, k) => {
    const at = kids[k]!
    const names = pictures.map((_, i) => `/I${i} ${at + 2 + i} 0 R`).join(' ')
    const resources = `<< /Font << /F0 3 0 R /F1 4 0 R >> /XObject << ${names} >> >>`
    const box = `[0 0 ${number(figures[k]!.width * scale)} ${number(height)}]`
    add(`<< /Type /Page /Parent 2 0 R /MediaBox ${box} /Resources ${resources} /Contents ${at + 1} 0 R >>`)
    const content = deflateSync(Buffer.from(lines.join('\n'), 'latin1'), { level: 9 })
    add(`<< /Length ${content.length} /Filter /FlateDecode >>\nstream\n`, content, '\nendstream')
    for (const picture of pictures) objects.push(picture)
  })
  return fileOf(objects)
}

function fileOf(objects: readonly Buffer[][]): Buffer {
  const parts: Buffer[] = [Buffer.from('%PDF-1.4\n%\xe2\xe3\xcf\xd3\n', 'latin1')]
  let length = parts[0]!.length
  const offsets = objects.map((object, k) => {
    const start = length
    const body = [Buffer.from(`${k + 1} 0 obj\n`), ...object, Buffer.from('\nendobj\n')]
    parts.push(...body)
    for (const piece of body) length += piece.length
    return start
  })
  const table = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('')
  const count = objects.length + 1
  const trailer = `trailer\n<< /Size ${count} /Root 1 0 R >>\nstartxref\n${length}\n%%EOF\n`
  parts.push(Buffer.from(`xref\n0 ${count}\n0000000000 65535 f \n${table}${trailer}`))
  return Buffer.concat(parts)
}

/** A coordinate with two digits. */
const number = (value: number) => String(Math.round(value * 100) / 100)

function draw({ svg, width, height }: Figure): Page {
  const scale = LONG_SIDE / Math.max(width, height)
  const page: Page = { height: height * scale, scale, lines: [], pictures: [], clips: new Map() }
  // SVG counts downwards from the upper left corner.
  page.lines.push(`${number(scale)} 0 0 ${number(-scale)} 0 ${number(height * scale)} cm`)
  const root = parseXml(svg, { bytes: 2 ** 28, nodes: 1e7 })
  for (const child of root.children) drawElement(page, child, {})
  return page
}

const INHERITED = ['fill', 'stroke', 'stroke-width', 'font-size', 'font-weight', 'text-anchor'] as const

function drawElement(page: Page, element: XmlElement, above: Attributes): void {
  const style = { ...above, ...element.attributes }
  const { lines } = page
  if (element.name === 'defs') {
    for (const clip of element.children) if (clip.attributes.id) page.clips.set(clip.attributes.id, clip)
  } else if (element.name === 'g' || element.name === 'svg') {
    lines.push('q', ...clipOf(page, element.attributes['clip-path']))
    const down = Object.fromEntries(
      INHERITED.flatMap((name) => (style[name] === undefined ? [] : [[name, style[name]]])),
    )
    for (const child of element.children) drawElement(page, child, down)
    lines.push('Q')
  } else if (element.name === 'text') lines.push(...textLines(element, style))
  else if (element.name === 'image') lines.push(...imageLines(page, element.attributes))
  else {
    const path = pathOf(element)
    const paint = path ? paintOf(style) : undefined
    if (path && paint) lines.push('q', ...paint.state, path, paint.operator, 'Q')
  }
}

function clipOf({ clips }: Page, reference: string | undefined): string[] {
  const id = /^url\(#(.*)\)$/.exec(reference ?? '')?.[1]
  const paths = (id === undefined ? [] : (clips.get(id)?.children ?? [])).map(pathOf)
  return paths.length ? [paths.join(' '), 'W n'] : []
}

const real = (attributes: Attributes, name: string) => Number(attributes[name] ?? 0)

/** Outline of a shape in the operators of PDF. */
function pathOf({ name, attributes: a }: XmlElement): string | undefined {
  const [x, y, w, h] = [real(a, 'x'), real(a, 'y'), real(a, 'width'), real(a, 'height')]
  if (name === 'rect') return `${number(x)} ${number(y)} ${number(w)} ${number(h)} re`
  if (name === 'line') {
    return `${number(real(a, 'x1'))} ${number(real(a, 'y1'))} m ${number(real(a, 'x2'))} ${number(real(a, 'y2'))} l`
  }
  if (name === 'circle') return circle(real(a, 'cx'), real(a, 'cy'), real(a, 'r'))
  return name === 'path' ? pathData(a.d ?? '') : undefined
}

/** Four Bézier curves. */
function circle(x: number, y: number, r: number): string {
  const k = 0.5523 * r
  const curve = (...values: number[]) => `${values.map(number).join(' ')} c`
  return [
    `${number(x + r)} ${number(y)} m`,
    curve(x + r, y + k, x + k, y + r, x, y + r),
    curve(x - k, y + r, x - r, y + k, x - r, y),
    curve(x - r, y - k, x - k, y - r, x, y - r),
    curve(x + k, y - r, x + r, y - k, x + r, y),
  ].join(' ')
}

/** Straight lines of SVG paths: M, L, H, V, Z and their relative forms. */
function pathData(data: string): string {
  const out: string[] = []
  let [x, y] = [0, 0]
  for (const [, letter = '', rest = ''] of data.matchAll(/([MLHVZ])([^MLHVZ]*)/gi)) {
    const kind = letter.toUpperCase()
    const relative = letter !== kind
    const values = (rest.match(/-?\d*\.?\d+(?:e-?\d+)?/gi) ?? []).map(Number)
    if (kind === 'Z') out.push('h')
    const step = kind === 'M' || kind === 'L' ? 2 : 1
    for (let k = 0; k + step <= values.length; k += step) {
      const [a, b] = [values[k]!, values[k + 1] ?? 0]
      if (kind === 'H') x = relative ? x + a : a
      else if (kind === 'V') y = relative ? y + a : a
      else [x, y] = relative ? [x + a, y + b] : [a, b]
      out.push(`${number(x)} ${number(y)} ${kind === 'M' && k === 0 ? 'm' : 'l'}`)
    }
  }
  return out.join(' ')
}

/** How a shape is filled and stroked; undefined when neither. */
function paintOf(style: Attributes): { state: string[]; operator: string } | undefined {
  const fill = style.fill === 'none' ? undefined : colour(style.fill ?? '#000000', Number(style['fill-opacity'] ?? 1))
  const stroke = style.stroke === undefined || style.stroke === 'none' ? undefined : colour(style.stroke, 1)
  if (!fill && !stroke) return undefined
  const dashes = style['stroke-dasharray']
  const state = [
    ...(fill ? [`${fill} rg`] : []),
    ...(stroke ? [`${stroke} RG`, `${number(Number(style['stroke-width'] ?? 1))} w`] : []),
    ...(style['stroke-linecap'] === 'round' ? ['1 J'] : []), // what has no length is a disc then
    ...(dashes ? [`[${dashes}] 0 d`] : []),
  ]
  return { state, operator: fill && stroke ? 'B' : fill ? 'f' : 'S' }
}

/** `#0072b2` or `rgb(…)` as three numbers; what lets light through is mixed with the white of the paper. */
function colour(text: string, opacity: number): string {
  const hex = /^#(..)(..)(..)$/
    .exec(text)
    ?.slice(1)
    .map((part) => Number.parseInt(part, 16))
  const parts = hex ?? (text.match(/\d+/g) ?? ['0', '0', '0']).map(Number)
  return parts.map((value) => number((value / 255) * opacity + 1 - opacity)).join(' ')
}

const escaped = (text: string) => text.replace(/[\\()]/g, (sign) => `\\${sign}`)

function textLines(element: XmlElement, style: Attributes): string[] {
  const text = latinText(element.text.replace(/\s+/g, ' '))
  const bold = style['font-weight'] === 'bold'
  const size = Number.parseFloat(style['font-size'] ?? '16')
  const long = textWidth(text, bold) * size
  const shift = style['text-anchor'] === 'middle' ? -long / 2 : style['text-anchor'] === 'end' ? -long : 0
  const [x, y] = [real(style, 'x'), real(style, 'y')]
  const turned = /^rotate\(-90/.test(style.transform ?? '')
  // Letters are drawn upright again: the page is upside down.
  const matrix = turned
    ? ['0', '-1', '-1', '0', number(x), number(y - shift)]
    : ['1', '0', '0', '-1', number(x + shift), number(y)]
  const fill = colour(style.fill ?? '#000000', 1)
  return [
    'BT',
    `${fill} rg`,
    `/F${bold ? 1 : 0} ${number(size)} Tf`,
    `${matrix.join(' ')} Tm`,
    `(${escaped(text)}) Tj`,
    'ET',
  ]
}

/** A PNG in the figure: its rows are taken as they are, compressed. */
function imageLines(page: Page, attributes: Attributes): string[] {
  const data = attributes.href ?? attributes['xlink:href'] ?? ''
  const bytes = /^data:image\/png;base64,(.*)$/s.exec(data)?.[1]
  const png = bytes === undefined ? undefined : pngParts(Buffer.from(bytes, 'base64'))
  if (!png) return []
  const { width, height, channels, rows } = png
  const space = channels === 1 ? '/DeviceGray' : '/DeviceRGB'
  const filter = `/Filter /FlateDecode /DecodeParms << /Predictor 15 /Colors ${channels} /BitsPerComponent 8 /Columns ${width} >>`
  const head = `<< /Type /XObject /Subtype /Image /Width ${width} /Height ${height} /ColorSpace ${space} /BitsPerComponent 8 ${filter} /Length ${rows.length} >>\nstream\n`
  page.pictures.push([Buffer.from(head), rows, Buffer.from('\nendstream')])
  const [x, y, w, h] = [
    real(attributes, 'x'),
    real(attributes, 'y'),
    real(attributes, 'width'),
    real(attributes, 'height'),
  ]
  return [
    'q',
    `${number(w)} 0 0 ${number(-h)} ${number(x)} ${number(y + h)} cm`,
    `/I${page.pictures.length - 1} Do`,
    'Q',
  ]
}

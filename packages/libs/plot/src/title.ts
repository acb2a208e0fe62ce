import { latinText, textWidth } from './helvetica.js'
import { FONT, textElement } from './svg.js'

/** DejaVu Sans Bold against Helvetica: a quarter wider in most letters, half in the narrow ones. */
const BOLD = 1.36
/** A title that would be smaller than this on one line takes two. */
const SMALL = 0.8

const widthOf = (text: string) => BOLD * textWidth(latinText(text), false) * FONT

/** The title above a figure, in the middle of `from` to `to`: smaller where it is too long, then on two lines. */
export function titleElements(from: number, to: number, title: string): string[] {
  const [middle, room] = [(from + to) / 2, to - from]
  const bold = { 'text-anchor': 'middle', 'font-weight': 'bold' }
  const one = room / widthOf(title)
  if (one >= 1) return [textElement(middle, 36, title, bold)]
  const lines = one >= SMALL ? [title] : inTwo(title).map((line) => line.replace(/ [·;]$/, ''))
  const size = FONT * Math.min(SMALL, ...lines.map((line) => room / widthOf(line)))
  if (lines.length === 1) return [textElement(middle, 36, title, { ...bold, 'font-size': FONT * one })]
  return lines.map((line, k) => textElement(middle, 24 + 22 * k, line, { ...bold, 'font-size': size }))
}

/** A line that ends elsewhere than between two statements is as good as one longer by this. */
const IN_THE_MIDDLE = 1.5

/**
 * Broken between statements, or where the two lines come out most nearly the same length: at a blank, or behind the
 * stroke of a long word.
 */
function inTwo(title: string): string[] {
  const places = [...title.matchAll(/ |(?<=[-_/.])/g)].map(({ index }) => index)
  const lines = places.map((at) => [title.slice(0, at).trim(), title.slice(at).trim()])
  const longer = (pair: string[]) => Math.max(...pair.map(widthOf)) * (/[·;]$/.test(pair[0]!) ? 1 : IN_THE_MIDDLE)
  return lines.filter((pair) => pair.every(Boolean)).sort((a, b) => longer(a) - longer(b))[0] ?? [title]
}

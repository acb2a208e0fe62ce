import { area, inside, intersection, parseSections, type Section, type Size, same } from './pixel-section.js'
import { asText, firstOf, numberFrom, type Reader } from './reader.js'

export interface Amplifier {
  name: string
  data: Section
  overscan?: Section
  /** Where its data stand in the image without overscans between the amplifiers. */
  place: Section
  gain?: number
  readNoise?: number
}

/** The amplifiers that the header describes one by one; none when they overlap, or fewer than two have their section. */
export function readAmplifiers(reader: Reader, size: Size): Amplifier[] {
  const { amplifiers: said, conventions } = reader.profile.values
  const first = conventions['first pixel']
  const of = (sources: string[], name: string) => sources.map((source) => source.replaceAll('{amp}', name))
  const found = said.names.flatMap((name) => {
    const section = (sources: string[]) =>
      firstOf(reader, of(sources, name), (source) => parseSections(asText(reader.value(source)) ?? '', first)[0])?.value
    const number = (sources: string[]) =>
      firstOf(reader, of(sources, name), (source) => positive(numberFrom(reader, source)))?.value
    const data = section(said['data section'])
    if (!data) return []
    const overscan = section(said['overscan section'])
    return [{ name, data, overscan, place: data, gain: number(said.gain), readNoise: number(said['read noise']) }]
  })
  if (found.length < 2) return []
  const parts = found.flatMap((amplifier) => [amplifier.data, ...(amplifier.overscan ? [amplifier.overscan] : [])])
  const fits = parts.every((part) => inside(part, size))
  const apart = parts.every((a, i) => parts.every((b, j) => j <= i || same(a, b) || area(intersection(a, b)) === 0))
  if (!fits || !apart) {
    reader.note(
      `the sections of amplifiers ${found.map((a) => a.name).join(', ')} ${fits ? 'overlap' : 'do not fit the array'}: ignored`,
    )
    return []
  }
  return found.map((amplifier) => ({
    ...amplifier,
    place: placeAmong(
      amplifier.data,
      found.map((a) => a.data),
    ),
  }))
}

const positive = (value: number | undefined): number | undefined =>
  value !== undefined && value > 0 ? value : undefined

/** The position of a section once the gaps between all of them are closed. */
function placeAmong(s: Section, all: Section[]): Section {
  const before = (spans: [number, number][], at: number): number => {
    const distinctSpans = spans.filter(([a, b], k) => b <= at && spans.findIndex((o) => o[0] === a && o[1] === b) === k)
    return distinctSpans.reduce((sum, [a, b]) => sum + b - a, 0)
  }
  const x0 = before(
    all.map((o) => [o.x0, o.x1]),
    s.x0,
  )
  const y0 = before(
    all.map((o) => [o.y0, o.y1]),
    s.y0,
  )
  return { x0, y0, x1: x0 + s.x1 - s.x0, y1: y0 + s.y1 - s.y0 }
}

import { type Amplifier, readAmplifiers } from './frame-amplifiers.js'
import {
  area,
  bounds,
  clip,
  formatSection,
  inside,
  intersection,
  parseSections,
  type Section,
  type Size,
  same,
  whole,
} from './pixel-section.js'
import { asNumber, asText, firstOf, type Reader, saidBy } from './reader.js'

export interface FrameSections {
  data: Section
  overscan: Section[]
  amplifiers: Amplifier[]
}

/** The light-sensitive part, the overscans and the amplifiers of an array. */
export function frameSections(reader: Reader, size: Size, binning: [number, number]): FrameSections {
  const amplifiers = readAmplifiers(reader, size)
  if (amplifiers.length) {
    const overscan = amplifiers.flatMap((amplifier) => (amplifier.overscan ? [amplifier.overscan] : []))
    return { data: bounds(amplifiers.map((a) => a.data)), overscan, amplifiers }
  }
  const { data, overscan } = wholeArray(reader, size, binning)
  const place = { x0: 0, y0: 0, x1: data.x1 - data.x0, y1: data.y1 - data.y0 }
  return { data, overscan, amplifiers: [{ name: '', data, overscan: overscan[0], place }] }
}

interface Named {
  section: Section
  source: string
}

function wholeArray(reader: Reader, size: Size, binning: [number, number]): { data: Section; overscan: Section[] } {
  const said = declared(reader)
  const fitted = said.map((named) => fit(reader, named, size, binning))
  if (fitted.includes(undefined)) {
    // One section of another array (a frame trimmed since) makes the others worthless too.
    const kept = fitted.filter((named) => named !== undefined)
    if (kept.length) reader.note(`${kept.map(({ source }) => source).join(' and ')} ignored with it`)
    return { data: whole(size), overscan: [] }
  }
  const [data, overscan] = [false, true].map((wanted) => (fitted as Fitted[]).filter((n) => n.overscan === wanted))
  const strips = overscan.length ? overscan.map((n) => n.section) : countedStrips(reader, size)
  const sensitive = data[0]?.section ?? whole(size)
  if (data[0]) reader.credit('data section', data[0].source)
  if (overscan.length) reader.credit('overscan section', overscan.map((n) => n.source).join(', '))
  return cutOverscan(reader, sensitive, strips, data[0]?.source, size)
}

type Declared = Named & { overscan: boolean }
type Fitted = Declared

/** The data section (the first that the header has) and every overscan section. */
function declared(reader: Reader): Declared[] {
  const { keywords, conventions } = reader.profile.values
  const first = conventions['first pixel']
  const read = (fact: 'data section' | 'overscan section', one: boolean): Declared[] => {
    const overscan = fact === 'overscan section'
    const from = (text: string, source: string) =>
      parseSections(text, first).map((section) => ({ section, source, overscan }))
    const imposed = saidBy(reader, 'override', fact)
    if (imposed !== undefined) return from(imposed, `override of ${fact}`)
    const found = keywords[fact].flatMap((source) => from(asText(reader.value(source)) ?? '', source))
    const assumed = found.length ? found : from(saidBy(reader, 'assume', fact) ?? '', `assumed ${fact}`)
    return one ? assumed.slice(0, 1) : distinct(assumed)
  }
  return [...read('data section', true), ...read('overscan section', false)]
}

const distinct = <T extends Named>(list: T[]): T[] =>
  list.filter((item, k) => list.findIndex((other) => same(other.section, item.section)) === k)

/** The section within the array, also where it counts unbinned pixels; undefined when it is of another array. */
function fit<T extends Named>(reader: Reader, named: T, size: Size, [bx, by]: [number, number]): T | undefined {
  const { section, source } = named
  const text = formatSection(section, reader.profile.values.conventions['first pixel'])
  if (inside(section, size)) return named
  const binned = { x0: section.x0 / bx, x1: section.x1 / bx, y0: section.y0 / by, y1: section.y1 / by }
  if ((bx > 1 || by > 1) && inside(binned, size) && Object.values(binned).every(Number.isInteger)) {
    reader.note(`${source} ${text} counts unbinned pixels: divided by ${bx}x${by}`)
    return { ...named, section: binned }
  }
  if (reader.profile.values.conventions['stale sections'] === 'trust' && area(clip(section, size)) > 0) {
    reader.note(`${source} ${text} reaches out of the ${size.width}x${size.height} array: clipped`)
    return { ...named, section: clip(section, size) }
  }
  reader.note(`${source} ${text} does not fit the ${size.width}x${size.height} array: stale, ignored`)
  return undefined
}

/** Overscans that a header only counts, as columns before and after the data. */
function countedStrips(reader: Reader, size: Size): Section[] {
  const { keywords } = reader.profile.values
  const count = (sources: string[]) => firstOf(reader, sources, (source) => asNumber(reader.value(source)))?.value ?? 0
  const [before, after] = [count(keywords.prescan), count(keywords.postscan)]
  if (!(before >= 0 && after >= 0 && before + after < size.width / 2)) return []
  const strips = [
    { ...whole(size), x1: before },
    { ...whole(size), x0: size.width - after },
  ]
  return strips.filter((strip) => area(strip) > 0)
}

/** Takes the overscans out of the data section where it does not already leave them out. */
function cutOverscan(reader: Reader, data: Section, strips: Section[], source: string | undefined, size: Size) {
  let sensitive = data
  const overscan: Section[] = []
  for (const strip of strips) {
    const rest = beside(sensitive, strip)
    if (area(strip) * 2 > size.width * size.height || area(rest) === 0) {
      reader.note(`an overscan of ${formatSection(strip)} would leave too few pixels: ignored`)
      continue
    }
    if (area(intersection(sensitive, strip)) > 0 && source)
      reader.note(`${source} covers the overscan ${formatSection(strip)}: cut`)
    sensitive = rest
    overscan.push(strip)
  }
  return { data: sensitive, overscan }
}

/** The largest rectangle of `s` on one side of the strip. */
function beside(s: Section, strip: Section): Section {
  if (area(intersection(s, strip)) === 0) return s
  const sides = [
    { ...s, x1: strip.x0 },
    { ...s, x0: strip.x1 },
    { ...s, y1: strip.y0 },
    { ...s, y0: strip.y1 },
  ]
  return sides.sort((a, b) => area(b) - area(a))[0]
}

import { asNumber, asText, firstOf, numberFrom, type Reader, saidBy } from './reader.js'

/** A rectangle of pixels: 0-based, x1 and y1 just outside. */
export interface Section {
  x0: number
  y0: number
  x1: number
  y1: number
}

export interface Size {
  width: number
  height: number
}

export interface Amplifier {
  name: string
  data: Section
  overscan?: Section
  /** Where its data stand in the image without overscans between the amplifiers. */
  place: Section
  gain?: number
  readNoise?: number
}

export interface FrameSections {
  data: Section
  overscan: Section[]
  amplifiers: Amplifier[]
}

const whole = (size: Size): Section => ({ x0: 0, y0: 0, x1: size.width, y1: size.height })
const area = (s: Section): number => Math.max(0, s.x1 - s.x0) * Math.max(0, s.y1 - s.y0)
const clip = (s: Section, size: Size): Section => intersection(s, whole(size))
const inside = (s: Section, size: Size): boolean => area(clip(s, size)) === area(s)
const intersection = (a: Section, b: Section): Section => ({
  x0: Math.max(a.x0, b.x0),
  y0: Math.max(a.y0, b.y0),
  x1: Math.min(a.x1, b.x1),
  y1: Math.min(a.y1, b.y1),
})

/** `[17:528,1:520]`, in the convention of the profile. Reversed ends are put in order. */
export function formatSection(s: Section, first = 1): string {
  return `[${s.x0 + first}:${s.x1 + first - 1},${s.y0 + first}:${s.y1 + first - 1}]`
}

/** Every section in a text; an empty one such as [1:0,1:0] or [0:0,0:0] counts as none. */
export function parseSections(text: string, first = 1): Section[] {
  const pattern = /\[\s*(\d+)\s*:\s*(\d+)\s*,\s*(\d+)\s*:\s*(\d+)\s*\]/g
  return [...text.matchAll(pattern)].flatMap((match) => {
    const [a, b, c, d] = match.slice(1).map(Number)
    if ([a, b, c, d].some((n) => n < first)) return []
    return [
      {
        x0: Math.min(a, b) - first,
        y0: Math.min(c, d) - first,
        x1: Math.max(a, b) - first + 1,
        y1: Math.max(c, d) - first + 1,
      },
    ]
  })
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

const same = (a: Section, b: Section) => a.x0 === b.x0 && a.y0 === b.y0 && a.x1 === b.x1 && a.y1 === b.y1
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
    if (area(strip) * 2 > size.width * size.height) {
      reader.note(`an overscan of ${formatSection(strip)} would be most of the array: ignored`)
      continue
    }
    const rest = beside(sensitive, strip)
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

const bounds = (sections: Section[]): Section => ({
  x0: Math.min(...sections.map((s) => s.x0)),
  y0: Math.min(...sections.map((s) => s.y0)),
  x1: Math.max(...sections.map((s) => s.x1)),
  y1: Math.max(...sections.map((s) => s.y1)),
})

/** The amplifiers that the header describes one by one; none when they overlap, or fewer than two have their section. */
function readAmplifiers(reader: Reader, size: Size): Amplifier[] {
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

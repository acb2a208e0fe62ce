import { basename, dirname, relative } from 'node:path'
import type { TriggerContext } from '@nightpipe/alerts'
import { readProvenance } from '@nightpipe/command'
import { cardLookup, imageHdu, openFits } from '@nightpipe/fits'
import { readWcs, type Wcs } from '@nightpipe/sky'
import { curvesOfCandidates, type Merged, mergeCandidates } from './candidates.js'
import { type Ask, collect, momentOf, type Product, reportOf } from './collect.js'
import type { Candidate, Field, FieldPicture, FramePoint, LightCurve } from './field.js'
import { frames as framePoints } from './frame-points.js'
import { moversIn } from './movers.js'
import { frameReader, pictureOf, type Shown, stampOf, stampUrl } from './picture.js'
import { readEvent } from './read-event.js'
import { candidatesIn, curvesIn, forcedIn, type MarkedStar, placesIn, starsIn } from './read-tables.js'

/** The field, and the pixels that the page shows besides. */
export interface Built {
  field: Field
  shown: Shown[]
  /** for each candidate what its stamps show, and their PNG */
  stamps: { label: string; href: string }[][]
}

type FrameReader = ReturnType<typeof frameReader>

/** All that the products of a field tell. */
export function buildField(request: Ask): Built {
  const { config, output } = request
  const { products, warnings } = collect(request)
  const read = frameReader()
  const frames = framePoints(products)
  const found = candidatesOf(products)
  const merged = mergeCandidates(found.filter(({ good }) => good)).slice(0, config.page.candidates)
  const candidates = merged.map(({ found: _, ...facts }): Candidate => facts)
  const event = readEvent(config.event.trigger)
  const { pictures, shown, centre } = showPictures(request, products, { frames, candidates, read, event })
  const stamps = merged.map((candidate) => stampsOf(candidate, products, read, config.page.stamp))
  const curves = curvesOf(products, curvesOfCandidates(merged), config.page.curves)
  const t0 =
    momentOf(config.event.t0) ?? event?.t0Mjd ?? products.map((product) => product.t0).find((mjd) => mjd !== undefined)
  const objects = products.map(({ object }) => object).filter((name) => name !== undefined)
  const title = config.page.title || event?.burstId || mostCommon(objects) || basename(dirname(output))
  const filters = [...new Set(products.map(({ filter }) => filter).filter(Boolean))].sort()
  const links = products.map(({ stage, path }) => ({
    stage: stage || basename(dirname(path)),
    path: relative(output, path),
  }))
  if (event?.status === 'retracted') warnings.push(`the event was retracted: ${event.reason ?? 'no reason given'}`)
  warnings.push(...lossesOf(products), ...shortcomings(pictures, products, curves))
  const field = {
    title,
    ...(t0 === undefined ? {} : { t0 }),
    ...(event ? { event } : {}),
    filters,
    ...centre,
    pictures,
    frames,
    candidates,
    curves,
  }
  return { field: { ...field, warnings, products: links }, shown, stamps }
}

/** What subtraction found on all frames. */
function candidatesOf(products: readonly Product[]) {
  const made = products.filter(({ kind }) => kind === 'candidates')
  const folders = [...new Set(made.map(({ path }) => dirname(path)))]
  const movers = new Map(folders.map((folder) => [folder, moversIn(folder)]))
  return made.flatMap((product) => candidatesIn(product, movers.get(dirname(product.path))!))
}

interface Drawn {
  frames: readonly FramePoint[]
  candidates: readonly Candidate[]
  read: FrameReader
  event: TriggerContext | undefined
}

/** The circle of errors in pixels of a picture; a cross where no error is known. */
function circleOn(wcs: Wcs | undefined, event: TriggerContext | undefined): FieldPicture['circle'] {
  const { position } = event ?? {}
  const centre = wcs && position && wcs.toPixel(position.ra, position.dec)
  if (!wcs || !position || !centre) return undefined
  const [x, y] = centre
  const north = wcs.toPixel(position.ra, position.dec + (position.dec > 0 ? -1 : 1) / 3600)
  const pixelsPerArcsec = north ? Math.hypot(north[0] - x, north[1] - y) : 0
  return { x, y, radius: 3600 * (position.errorDeg ?? 0) * pixelsPerArcsec }
}

/** The picture of each filter, with the stars on it. */
function showPictures(
  { config, output }: Ask,
  products: readonly Product[],
  { frames, candidates, read, event }: Drawn,
) {
  const pictures: FieldPicture[] = []
  const shown: Shown[] = []
  let centre: { ra: number; dec: number } | undefined
  for (const product of picturesOf(products, frames)) {
    const frame = read(product.path)
    const wcs = wcsOf(product.path)
    const picture = pictureOf(frame, config.page.picture, config.page.stretch)
    shown.push(picture)
    if (wcs && !centre) {
      const [ra, dec] = wcs.toSky((frame.width - 1) / 2, (frame.height - 1) / 2)
      centre = { ra, dec }
    }
    const stars = starsOn(product, products, wcs, config.page.stars)
    const inside = stars.filter(({ x, y }) => x > -0.5 && y > -0.5 && x < frame.width && y < frame.height)
    const { filter, stage, exposure } = product
    const size = { width: frame.width, height: frame.height }
    pictures.push({
      filter,
      stage,
      product: relative(output, product.path),
      ...size,
      exposure,
      frames: countOf(product),
      stars: inside,
      marks: marksOn(product, candidates, wcs),
      circle: circleOn(wcs, event),
    })
  }
  return { pictures, shown, centre }
}

/** The deepest picture of each filter: the stack, or else the sharpest frame of the latest stage. */
function picturesOf(products: readonly Product[], points: readonly FramePoint[]): Product[] {
  const rank = ['reduction', 'astrometry', 'alignment', 'stacking']
  const seeing = new Map(
    points.map(({ stem, filter, values }) => [`${filter} ${stem}`, values.seeing_px ?? values.fwhm_px]),
  )
  const width = ({ filter, stem }: Product) => seeing.get(`${filter} ${stem}`) ?? Number.POSITIVE_INFINITY
  const best = new Map<string, Product>()
  for (const product of products) {
    if (product.kind !== 'stack' && product.kind !== 'frame') continue
    const before = best.get(product.filter)
    const later = before === undefined ? 1 : rank.indexOf(product.stage) - rank.indexOf(before.stage)
    if (!before || later > 0 || (later === 0 && width(product) < width(before))) best.set(product.filter, product)
  }
  return [...best.values()].sort((a, b) => (a.filter < b.filter ? -1 : 1))
}

function wcsOf(path: string): Wcs | undefined {
  const file = openFits(path)
  try {
    return readWcs(cardLookup(imageHdu(file)))
  } catch {
    return undefined // a damaged solution marks no stars
  } finally {
    file.close()
  }
}

/** Stars of a catalogue of the picture itself, or of a frame of its filter, carried over by their places in the sky. */
function starsOn(product: Product, products: readonly Product[], wcs: Wcs | undefined, most: number): MarkedStar[] {
  const tables = products.filter(({ kind, filter }) => (kind === 'phot' || kind === 'cat') && filter === product.filter)
  // An aligned frame has the pixels of the frame on which it was aligned.
  const own = tables.find(({ stem }) => stem === (product.grid ?? product.stem))
  if (own) return starsIn(own.path, most)
  for (const table of tables) {
    const stars = starsIn(table.path, most)
    if (!wcs || stars.every(({ ra }) => ra === undefined)) continue
    return stars.flatMap((star) => {
      const place = star.ra === undefined || star.dec === undefined ? undefined : wcs.toPixel(star.ra, star.dec)
      return place ? [{ ...star, x: place[0], y: place[1] }] : []
    })
  }
  return []
}

/** Where the candidates are on a picture: those of its filter, by their pixels where it has the same, else by the sky. */
function marksOn({ filter, stem, grid }: Product, candidates: readonly Candidate[], wcs: Wcs | undefined) {
  return candidates.flatMap((one) => {
    if (one.filter !== filter) return []
    if (grid !== undefined || one.stem === stem) return [{ number: one.number, x: one.x - 1, y: one.y - 1 }]
    const place = wcs && one.ra !== undefined && one.dec !== undefined ? wcs.toPixel(one.ra, one.dec) : undefined
    return place ? [{ number: one.number, x: place[0], y: place[1] }] : []
  })
}

/** How many frames went into a stack. */
function countOf({ path, stage }: Product): number | undefined {
  if (stage !== 'stacking') return undefined
  try {
    return readProvenance(path).parents.filter(({ role }) => role === 'frame').length || undefined
  } catch {
    return undefined
  }
}

/** New, reference and difference about a candidate: of the table, else cut out of what is among the products. */
function stampsOf(candidate: Merged, products: readonly Product[], read: FrameReader, side: number) {
  const { stem, filter, x, y, found } = candidate
  const stored = found[0]!.stamps
  if (stored.length > 0) return stored.map(({ label, pixels, side: size }) => ({ label, href: stampUrl(pixels, size) }))
  const rank = ['alignment', 'astrometry', 'reduction']
  const difference = products.find((one) => one.kind === 'difference' && one.stem === stem)
  const frames = products.filter((one) => one.kind === 'frame' && one.stem === stem)
  const fresh = frames.sort((a, b) => rank.indexOf(a.stage) - rank.indexOf(b.stage))[0]
  const reference = products.find((one) => one.kind === 'stack' && one.filter === filter)
  const wanted: [string, Product | undefined][] = [
    ['new', fresh],
    ['reference', reference],
    ['difference', difference],
  ]
  return wanted.flatMap(([label, product]) =>
    product ? [{ label, href: stampOf(read(product.path), x - 1, y - 1, side) }] : [],
  )
}

/** Forced positions and candidates first, then what varies most. */
function curvesOf(products: readonly Product[], further: readonly LightCurve[], most: number): LightCurve[] {
  const tables = products.filter(({ kind }) => kind === 'table')
  const forced = products.filter(({ kind }) => kind === 'candidates').flatMap(forcedIn)
  const measured = tables.flatMap((product) => curvesIn(product) ?? [])
  const curves = [...measured, ...forced, ...further]
  const merged = new Map<string, LightCurve>()
  for (const curve of curves) {
    const before = merged.get(curve.name)
    if (before) before.points.push(...curve.points)
    else merged.set(curve.name, curve)
  }
  const named = (curve: LightCurve) => (/^S?\d+$/.test(curve.name) ? 0 : 1)
  const ranked = [...merged.values()].map((curve) => ({ curve, named: named(curve), chi: variability(curve) }))
  ranked.sort((a, b) => b.named - a.named || b.chi - a.chi || (a.curve.name < b.curve.name ? -1 : 1))
  const chosen = ranked.slice(0, most).map(({ curve }) => curve)
  const places = new Map(tables.flatMap((product) => [...placesIn(product)]))
  for (const curve of chosen) if (curve.ra === undefined) Object.assign(curve, places.get(curve.name))
  for (const { points } of chosen) points.sort((a, b) => a.mjd - b.mjd)
  return chosen
}

/** Reduced chi square about the mean of each filter. */
function variability({ points }: LightCurve): number {
  const seen = points.filter(({ limit, error }) => !limit && error !== undefined && error > 0)
  let [sum, n] = [0, 0]
  for (const filter of new Set(seen.map((point) => point.filter))) {
    const own = seen.filter((point) => point.filter === filter)
    const weights = own.map(({ error }) => 1 / error! ** 2)
    const total = weights.reduce((a, b) => a + b, 0)
    const mean = own.reduce((a, { magnitude }, k) => a + magnitude * weights[k]!, 0) / total
    sum += own.reduce((a, { magnitude }, k) => a + weights[k]! * (magnitude - mean) ** 2, 0)
    n += own.length - 1
  }
  return n > 0 ? sum / n : 0
}

/** What the reports of the stages say was lost, with the reason. */
function lossesOf(products: readonly Product[]): string[] {
  const reports = new Set(products.filter(({ stage }) => stage).map(({ path, stage }) => `${dirname(path)}\0${stage}`))
  return [...reports].flatMap((key) => {
    const [folder, stage] = key.split('\0') as [string, string]
    const lost = [...reportOf(folder, stage)].filter(([, { status }]) => status === 'failed' || status === 'rejected')
    return lost.map(([stem, { status, reason }]) => `${stage}: ${stem} ${status}: ${reason || 'no reason given'}`)
  })
}

function shortcomings(
  pictures: readonly FieldPicture[],
  products: readonly Product[],
  curves: readonly LightCurve[],
): string[] {
  const out: string[] = []
  if (pictures.length === 0) out.push('no image among the products: nothing to show')
  for (const { filter, stars } of pictures)
    if (stars.length === 0) out.push(`no catalogue for the picture in ${filter || 'no filter'}`)
  if (products.some(({ kind }) => kind === 'phot') && curves.length === 0) out.push('photometry gave no light curves')
  return out
}

function mostCommon(words: readonly string[]): string | undefined {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]?.[0]
}

import { power } from '@nightpipe/math'
import { formatMjd, formatSexagesimal } from '@nightpipe/sky'
import type { FrameFacts } from './facts.js'
import { formatSection, type Section } from './pixel-section.js'
import type { InstrumentProfile } from './profile.js'
import { FRAME_TYPES } from './profile-schema.js'
import { asConstant, productOf, splitCondition } from './reader.js'

export type HeaderCard = [keyword: string, value: string | number, comment: string]
type Cards = Map<string, HeaderCard>
type Fact = keyof InstrumentProfile['values']['keywords']

/** The header that this camera would write for a frame: `describeFrame` reads the facts back from it. */
export function headerFor(facts: Partial<FrameFacts>, profile: InstrumentProfile): HeaderCard[] {
  const cards: Cards = new Map()
  const put = (fact: Fact, value: string | number | undefined, comment: string) =>
    putFact(cards, profile, fact, value, comment)
  put('object', facts.object, 'object')
  put('type', typeWord(facts, profile), 'type of frame')
  put('instrument', inverseAlias(profile.values.instruments, facts.instrument), 'instrument')
  put('camera', inverseAlias(profile.values.cameras, facts.camera), 'camera')
  put('telescope', facts.telescope, 'telescope')
  put('site', facts.site, 'observatory')
  putTime(cards, facts, profile)
  putFilter(cards, facts, profile)
  putDetector(cards, facts, profile)
  putPosition(cards, facts, profile)
  put('pixel scale', facts.pixelScaleArcsec, '[arcsec/pixel] pixel scale')
  put('read mode', facts.readMode, 'readout mode')
  putBinning(cards, facts, profile)
  putSections(cards, facts, profile)
  putOrientation(cards, facts, profile)
  return [...cards.values()]
}

/** The keyword under which this camera writes a fact: the first of its list that is no product. */
function plainKeyword(sources: readonly string[]): string | undefined {
  return sources.map((source) => splitCondition(source).source).find((source) => !productOf(source))
}

/** Writes a fact under its keyword, or, for a number told by a product with one keyword, that keyword. */
function putFact(
  cards: Cards,
  profile: InstrumentProfile,
  fact: Fact,
  value: string | number | undefined,
  comment: string,
) {
  if (value === undefined || value === '') return
  const { override, keywords } = profile.values
  const imposed = fact in override ? override[fact as keyof typeof override] : ''
  if (imposed) {
    if (typeof value === 'number') putProduct(cards, imposed, value)
    return
  }
  const first = keywords[fact].length ? splitCondition(keywords[fact][0]).source : ''
  const keyword = plainKeyword(keywords[fact])
  if (typeof value === 'number' && productOf(first)) putProduct(cards, first, value)
  else if (keyword) putOnce(cards, [keyword, value, comment])
}

/** Where two facts share a keyword (instrument and camera), the first said is written. */
function putOnce(cards: Cards, card: HeaderCard): void {
  if (!cards.has(card[0])) cards.set(card[0], card)
}

/** Solves `6.2 * SOFTGAIN / 8 = value` for the keyword; keywords beyond the first are set to 1. */
function putProduct(cards: Cards, source: string, value: number): void {
  const factors = productOf(source) ?? []
  const unknown = factors.find(({ factor }) => asConstant(factor) === undefined)
  if (!unknown) return
  let rest = 1
  for (const factor of factors) {
    if (factor === unknown) continue
    const known = asConstant(factor.factor)
    if (known === undefined) cards.set(factor.factor, [factor.factor, 1, 'unit of a derived value'])
    rest *= power(known ?? 1, factor.power)
  }
  const solved = unknown.power > 0 ? value / rest : rest / value
  // 12 digits hide the rounding of the division, as in 7.999999999999999.
  cards.set(unknown.factor, [unknown.factor, Number(solved.toPrecision(12)), 'setting of the camera'])
}

function typeWord(facts: Partial<FrameFacts>, profile: InstrumentProfile): string | undefined {
  const type = FRAME_TYPES.find((known) => known === facts.type)
  return type && profile.values.types[type].find((word) => !word.includes('*'))
}

function inverseAlias(aliases: Readonly<Record<string, string>>, ours: string | undefined): string | undefined {
  return Object.keys(aliases).find((theirs) => aliases[theirs] === ours && !theirs.includes('*')) ?? ours
}

/** The moment that this camera's date tells (start, middle or end), in its local time, in one keyword or in two. */
function putTime(cards: Cards, facts: Partial<FrameFacts>, profile: InstrumentProfile): void {
  const { keywords, conventions } = profile.values
  const unit = { s: 1, ms: 1e3, us: 1e6, min: 1 / 60 }[conventions['exposure unit']]
  const exposure = facts.exposureSeconds
  putFact(
    cards,
    profile,
    'exposure',
    exposure === undefined ? undefined : exposure * unit,
    `[${conventions['exposure unit']}] exposure time`,
  )
  if (facts.mjd === undefined) return
  const share = { start: 0, middle: 0.5, end: 1 }[conventions['date at']]
  const utc = facts.mjd + ((exposure ?? 0) * share) / 86400
  const [day, time] = formatMjd(utc + conventions['time zone'] / 24).split('T')
  const [dateKey, timeKey] = [plainKeyword(keywords.date), plainKeyword(keywords.time)]
  const scale = conventions['time zone'] === 0 ? 'UTC' : 'local'
  const at = `${conventions['date at']} of exposure`
  if (dateKey && timeKey && conventions['date style'] === 'apart') {
    cards.set(dateKey, [dateKey, day, `[${scale}] date at ${at}`])
    cards.set(timeKey, [timeKey, time, `[${scale}] time at ${at}`])
  } else if (dateKey) cards.set(dateKey, [dateKey, `${day}T${time}`, `[${scale}] ${at}`])
  putFact(cards, profile, 'mjd', Number(utc.toFixed(8)), `[d] MJD (UTC) at ${at}`)
}

function putFilter(cards: Cards, facts: Partial<FrameFacts>, profile: InstrumentProfile): void {
  const { keywords, conventions, filters } = profile.values
  if (facts.filter === undefined) return
  const clear = conventions.clear[0] ?? 'clear'
  const theirs = (ours: string) => (ours === 'clear' ? clear : inverseAlias(filters, ours)!)
  if (keywords.filter.length) putFact(cards, profile, 'filter', theirs(facts.filter), 'filter')
  else if (!profile.values.override.filter) {
    const used = facts.filter.split('+').map(theirs)
    for (const [k, wheel] of keywords['filter wheels'].entries()) cards.set(wheel, [wheel, used[k] ?? clear, 'filter'])
  }
}

function putDetector(cards: Cards, facts: Partial<FrameFacts>, profile: InstrumentProfile): void {
  const { conventions } = profile.values
  const inverse = conventions['gain unit'] === 'adu/e'
  const gain = facts.gain === undefined ? undefined : inverse ? 1 / facts.gain : facts.gain
  putFact(cards, profile, 'gain', gain, inverse ? '[adu/electron] gain' : '[electron/adu] gain')
  const inAdu = conventions['read noise unit'] === 'adu'
  const noise =
    facts.readNoise === undefined ? undefined : inAdu ? facts.readNoise / (facts.gain ?? 1) : facts.readNoise
  putFact(cards, profile, 'read noise', noise, inAdu ? '[adu] read noise' : '[electron] read noise')
  putFact(cards, profile, 'saturation', facts.saturation, '[adu] saturation level')
}

function putPosition(cards: Cards, { raDeg, decDeg }: Partial<FrameFacts>, profile: InstrumentProfile): void {
  if (raDeg === undefined || decDeg === undefined) return
  const { keywords, conventions } = profile.values
  const index = keywords.ra.indexOf(plainKeyword(keywords.ra) ?? '')
  if (index < 0) return
  const hours = conventions['ra unit'] === 'hours'
  const sexagesimal = conventions.coordinates === 'sexagesimal'
  const ra = sexagesimal ? formatSexagesimal(raDeg, 'hours', 3) : hours ? raDeg / 15 : raDeg
  const dec = sexagesimal ? formatSexagesimal(decDeg, 'degrees', 2) : decDeg
  cards.set(keywords.ra[index], [keywords.ra[index], ra, `[${sexagesimal || hours ? 'h' : 'deg'}] right ascension`])
  cards.set(keywords.dec[index], [keywords.dec[index], dec, '[deg] declination'])
}

function putBinning(cards: Cards, { binning }: Partial<FrameFacts>, profile: InstrumentProfile): void {
  if (!binning || profile.values.override.binning) return
  const { keywords } = profile.values
  const [x, y, both] = [keywords['binning x'], keywords['binning y'], keywords.binning].map(plainKeyword)
  // CCDSUM is IRAF's, with a blank; elsewhere a number serves where both axes are alike.
  const one = binning[0] === binning[1] ? binning[0] : binning.join('x')
  if (both) cards.set(both, [both, both === 'CCDSUM' ? binning.join(' ') : one, 'binning along x and y'])
  else {
    if (x) cards.set(x, [x, binning[0], 'binning along x'])
    if (y) cards.set(y, [y, binning[1], 'binning along y'])
  }
}

/** Sections are written where the camera has words for them and there is something to say. */
function putSections(cards: Cards, facts: Partial<FrameFacts>, profile: InstrumentProfile): void {
  const { keywords, conventions } = profile.values
  const format = (section: Section) => formatSection(section, conventions['first pixel'])
  if ((facts.amplifiers?.length ?? 0) > 1) {
    putAmplifiers(cards, facts, profile, format)
    return
  }
  if (facts.data && facts.overscan?.length)
    putFact(cards, profile, 'data section', format(facts.data), 'light-sensitive part')
  if (profile.values.override['overscan section']) return
  for (const [k, section] of (facts.overscan ?? []).entries()) {
    const keyword = keywords['overscan section'][k]
    if (keyword) cards.set(keyword, [keyword, format(section), 'overscan'])
  }
}

function putAmplifiers(
  cards: Cards,
  facts: Partial<FrameFacts>,
  profile: InstrumentProfile,
  format: (s: Section) => string,
) {
  const said = profile.values.amplifiers
  for (const amplifier of facts.amplifiers ?? []) {
    const put = (sources: readonly string[], value: string | number | undefined, comment: string) => {
      // TRIMSEC11 is one letter too long for a keyword; TRIMSE11 is not.
      const named = sources.map((source) => source.replaceAll('{amp}', amplifier.name))
      const keyword = plainKeyword(named.filter((name) => name.length <= 8)) ?? plainKeyword(named)
      if (keyword && value !== undefined)
        cards.set(keyword, [keyword, value, `${comment} of amplifier ${amplifier.name}`])
    }
    put(said['data section'], format(amplifier.data), 'light-sensitive part')
    put(said['overscan section'], amplifier.overscan && format(amplifier.overscan), 'overscan')
    put(said.gain, amplifier.gain, '[electron/adu] gain')
    put(said['read noise'], amplifier.readNoise, '[electron] read noise')
  }
}

function putOrientation(cards: Cards, { orientation }: Partial<FrameFacts>, profile: InstrumentProfile): void {
  const said = profile.values.orientation
  if (!said.keyword || orientation === undefined) return
  const pair = said.values
    .map((item) => item.split(':').map((word) => word.trim()))
    .find(([, turn]) => turn === orientation)
  if (!pair) return
  const value = asConstant(pair[0]) ?? pair[0]
  for (const keyword of [said.keyword, said['end keyword']]) {
    if (keyword) cards.set(keyword, [keyword, value, 'orientation'])
  }
}

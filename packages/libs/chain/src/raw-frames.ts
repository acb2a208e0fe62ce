import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describeFrame, type FrameFacts, type InstrumentProfile } from '@nightpipe/config'
import { expandInputs } from '@nightpipe/files'
import { cardLookup, imageHdu, openFits } from '@nightpipe/fits'
import { formatMjd } from '@nightpipe/sky'
import { dayOfRaw, formatProductDate, rawName, starFibres, starName, type Tree } from '@nightpipe/spectrographs'

/** A raw exposure as its header tells of it. */
export interface RawFrame {
  path: string
  /** without .fits.fz: what all products of it are known by */
  name: string
  /** YYYYMMDD of the night, from the folder or the name */
  day: string
  type: FrameFacts['type']
  fibres?: string[]
  camera?: string
  mjd?: number
  seconds?: number
  /** the stars in the fibres, joined by & */
  target?: string
  /** each amplifier has an overscan: its level is known without a bias */
  overscanned?: boolean
  /** why it cannot even be described */
  problem?: string
}

/** Which exposures are meant. */
export interface Window {
  /** nights as YYYYMMDD; none: all */
  days?: readonly string[]
  /** MJD, both ends included */
  start?: number
  end?: number
}

/** The nights of a spectrograph that have a folder of raw frames, beside its tree: `<root>/<site>/<nres>/<day>/raw`. */
export function rawNights(tree: Tree): string[] {
  const above = dirname(tree.folder)
  if (!existsSync(above)) return []
  return readdirSync(above)
    .filter((name) => /^\d{8}$/.test(name) && existsSync(join(above, name, 'raw')))
    .sort()
}

const compact = (mjd: number) => formatMjd(mjd, 0).slice(0, 10).replaceAll('-', '')

/** The raw exposures of a window, sorted by name, each once; `inputs` instead of the folders beside the tree where given. */
export function rawFrames(
  tree: Tree,
  profile: InstrumentProfile,
  window: Window,
  inputs?: readonly string[],
): RawFrame[] {
  const wanted = (day: string) =>
    (!window.days || window.days.includes(day)) &&
    // A night may begin on the day before its folder says, or end on the day after.
    (window.start === undefined || day >= compact(window.start - 1.5)) &&
    (window.end === undefined || day <= compact(window.end + 1.5))
  const folders = rawNights(tree).filter(wanted)
  const paths =
    inputs ??
    folders.flatMap((day) =>
      expandInputs([join(dirname(tree.folder), day, 'raw')], { allowEmpty: true }).map(({ path }) => path),
    )
  const known = new Map<string, RawFrame>()
  for (const path of paths) {
    const frame = describe(path, profile)
    // The same exposure may lie there plain and compressed.
    if (frame && inWindow(frame, window) && !known.has(frame.name)) known.set(frame.name, frame)
  }
  return withoutTwins([...known.values()].sort((a, b) => (a.name < b.name ? -1 : 1)))
}

/**
 * Products of arcs and stars bear the moment of their exposure: of several that tell the same one (a copy, a clock that stood) the first by
 * name is taken, and the others say why not.
 */
function withoutTwins(frames: readonly RawFrame[]): RawFrame[] {
  const first = new Map<string, RawFrame>()
  return frames.map((frame): RawFrame => {
    const { type, camera, mjd } = frame
    if ((type !== 'arc' && type !== 'object') || mjd === undefined) return frame
    const key = [type, camera, formatProductDate(mjd)].join(' ')
    const twin = first.get(key)
    if (!twin) first.set(key, frame)
    const problem = `of the same moment as ${twin?.name}: their products would bear one name (take one of them away)`
    return twin ? { ...frame, type: 'unknown', problem } : frame
  })
}

function inWindow({ mjd, day }: RawFrame, { days, start, end }: Window): boolean {
  if (days && !days.includes(day)) return false
  if (mjd === undefined) return true // its folder is in the window, and somebody must be told
  return (start === undefined || mjd >= start) && (end === undefined || mjd <= end)
}

/** Guider and focus frames are no exposures. */
function describe(path: string, profile: InstrumentProfile): RawFrame | undefined {
  const about = { path, name: rawName(path), day: dayOfRaw(path) ?? '' }
  try {
    const file = openFits(path)
    try {
      const hdu = imageHdu(file)
      const [width, height] = hdu.axes as [number, number]
      const facts = describeFrame(cardLookup(hdu), profile, { width, height, name: path })
      if (facts.type === 'focus') return undefined
      const { type, fibres, camera, mjd, exposureSeconds: seconds, object } = facts
      const day = about.day || (mjd === undefined ? '' : compact(mjd))
      const arcFibre = profile.values.spectrograph['arc fibre']
      const stars = starFibres(fibres ?? []).map((fibre) => starName(file, fibre, { fibres, object, arcFibre }))
      // Where one slit is all there is, the header names the star and no fibres.
      const single = type === 'object' && !fibres ? object : undefined
      const target = stars.length ? stars.join('&') : single
      const overscanned = facts.amplifiers.every(({ overscan }) => overscan !== undefined)
      return { ...about, day, type, fibres, camera, mjd, seconds, target, overscanned }
    } finally {
      file.close()
    }
  } catch (error) {
    return { ...about, type: 'unknown', problem: (error as Error).message }
  }
}

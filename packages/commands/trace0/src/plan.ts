import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { ConfigError, DataError, type Job, type Plan, type Request, type Row } from '@nightpipe/command'
import { parseDate } from '@nightpipe/sky'
import {
  chooseSpectrograph,
  describeOrderFrame,
  firstTraceName,
  type OrderFrameFacts,
  openTree,
  parseHandTrace,
  readSpectrographs,
  requireOneSize,
} from '@nightpipe/spectrographs'
import type { Trace0Schema } from './schema.js'

/** A frame that orders are found on. */
export interface TraceFrame {
  path: string
  shown: string
  lit: number[]
}

export interface TraceJob {
  frames: TraceFrame[]
  hand?: string
  /** of the detector, px; of a hand trace, where they follow from no frame */
  width: number
  height: number
  orders: number
  fibres: number
  /** rows of an order; 0: from the frames */
  rows: number
  mjd?: number
  site?: string
  camera?: string
  instrument?: string
}

type Found = OrderFrameFacts & { path: string; shown: string }

/** One call makes one TRACE file. */
export function planTrace(request: Request<Trace0Schema>): Plan<TraceJob> {
  const { flags, config, profile, output } = request
  const tree = openTree(flags)
  const hand = typeof flags.filename === 'string' ? existing(flags.filename) : undefined
  const { frames, rows } = sortFrames(request)
  if (!hand && frames.length === 0) throw nothingToTrace(rows)
  requireOneSize(frames)
  const mjd = dateOf(flags.date, frames, hand)
  const row = tree ? chooseSpectrograph(readSpectrographs(tree), { site: tree.site, mjd }).row : undefined
  const own = hand ? parseHandTrace(readFileSync(hand, 'utf8'), basename(hand)) : undefined
  const [first] = frames
  const width = config.hand.columns || first?.width || row?.Nx || own?.width || 0
  if (!width)
    throw new ConfigError('how wide the detector is, nothing tells', 'give --set hand.columns=4096, or a flat')
  const { spectrograph } = profile.values
  const fibres = Math.max(row?.Nfib || spectrograph.fibres, ...(own?.fibres ?? []).map((fibre) => fibre + 1))
  const height = config.profiles.height || row?.Ordwid || spectrograph.width
  const facts = first?.facts
  const site = tree?.site ?? facts?.site
  const params: TraceJob = {
    frames: frames.map(({ path, shown, lit }) => ({ path, shown, lit: litOf(lit, config.find.fibres, fibres, shown) })),
    ...(hand ? { hand } : {}),
    ...{ width, height: config.hand.rows || first?.height || width, fibres, rows: Math.ceil(height) },
    orders: row?.Nord || spectrograph.orders || own?.orderCount || (own ? own.orders.at(-1)!.index + 1 : 0),
    ...{ mjd, site, camera: tree?.camera || facts?.camera, instrument: tree?.instrument ?? facts?.instrument },
  }
  const stem = hand
    ? basename(hand).replace(/\.txt$/i, '')
    : basename(first!.path).replace(/(\.(fits?|fts|fz|gz))+$/i, '')
  const name = tree ? firstTraceName(tree.site, mjd) : `${stem}-trace0.fits`
  const product = join(output, name)
  const inputs = frames.map(({ path }) => path)
  const job: Job<TraceJob> = {
    name,
    inputs: inputs.length ? inputs : [hand!],
    products: frames.length ? [product, product.replace(/\.fits$/, '.png')] : [product],
    parents: [
      ...frames.map(({ path }) => ({ path, role: 'frame' })),
      ...(hand ? [{ path: hand, role: 'hand trace' }] : []),
    ],
    params,
  }
  return { jobs: [job], rows, memoryPerJob: frames.length * 14 * width * params.height + 300e6 }
}

/** Why there is nothing to do: no inputs at all, or what they are instead. */
function nothingToTrace([first, ...others]: readonly Row[]): Error {
  const advice = 'give flats by --input, or a hand trace by --filename'
  if (!first) return new ConfigError('no frames among the inputs', advice)
  const [name, reason = ''] = [basename(first.input), first.reason]
  const more = others.length ? `; ${others.length} more` : ''
  return new DataError(`no orders to find: ${reason.includes(name) ? reason : `${name} ${reason}`}${more}`, advice)
}

function existing(path: string): string {
  if (!existsSync(path)) throw new ConfigError(`--filename ${path}: no such file`, 'check the path')
  return resolve(path)
}

/** Frames of the first of the wanted types that there is; the others are set aside. */
function sortFrames({ inputs, profile, config }: Request<Trace0Schema>): { frames: Found[]; rows: Row[] } {
  const rows: Row[] = []
  const found: Found[] = []
  for (const { path, shown } of inputs) {
    try {
      found.push({ ...describeOrderFrame(path, shown, profile), path, shown })
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      rows.push({ input: path, status: 'failed', reason: error.message })
    }
  }
  const type = config.find.types.find((wanted) => found.some(({ facts }) => facts.type === wanted))
  const frames = found.filter(({ facts, path }) => {
    const reason =
      facts.type === type
        ? facts.unfit
        : `is of type ${facts.type}; orders are found on ${type ?? config.find.types.join(', ')}`
    if (reason) rows.push({ input: path, status: 'rejected', reason })
    return !reason
  })
  return { frames, rows }
}

/** The fibres with light in a frame. */
function litOf(said: number[] | undefined, wanted: readonly string[], fibres: number, shown: string): number[] {
  const lit = wanted.length ? wanted.map(Number) : (said ?? Array.from({ length: fibres }, (_, f) => f))
  const known = lit.filter((fibre) => Number.isInteger(fibre) && fibre >= 0 && fibre < fibres)
  if (known.length && known.length === lit.length) return known
  if (lit.length === 0) throw new DataError(`${shown}: no fibre has light`, 'give a flat with the lamp on')
  throw new DataError(
    `${shown}: fibres ${lit.join(', ')} have light, and the spectrograph has ${fibres}`,
    'see fibres under [spectrograph] of the profile',
  )
}

function dateOf(said: unknown, frames: readonly Found[], hand: string | undefined): number {
  if (typeof said === 'string') {
    const mjd = parseDate(said)?.mjd
    if (mjd === undefined) throw new ConfigError(`--date ${said}: expected a date as 2017-12-20T12:00:00`)
    return mjd
  }
  const taken = frames.flatMap(({ facts }) => (facts.mjd === undefined ? [] : [facts.mjd]))
  if (taken.length) return Math.min(...taken)
  return hand ? statSync(hand).mtimeMs / 86_400_000 + 40587 : 0
}

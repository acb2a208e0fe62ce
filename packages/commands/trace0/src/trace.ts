import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { DataError, type Job, type Row, type Tools, writeProduct } from '@nightpipe/command'
import { medianOf } from '@nightpipe/math'
import { tracesFigure, writeFigure } from '@nightpipe/plot'
import { type FoundOrders, findOrders, type Traces, tracesFromHand } from '@nightpipe/spectra'
import { type OrderFrame, parseHandTrace, readOrderFrame, traceCards, tracesHdus } from '@nightpipe/spectrographs'
import type { TraceJob } from './plan.js'
import type { Trace0Schema } from './schema.js'

/** What a trace was made of, and how good it is. */
interface Made {
  traces: Traces
  /** scatter of each order and fibre, px */
  rms: number[]
  fwhm?: number
  strength?: Float64Array
}

/** One TRACE file, from frames or from a hand trace, and its figure. */
export async function makeTrace(job: Job<TraceJob>, tools: Tools<Trace0Schema>): Promise<Row[]> {
  const { params, products, parents } = job
  const { config, profile, context } = tools
  const frames = params.frames.map(({ path, shown }) => readOrderFrame(path, shown, profile))
  const made = params.hand ? fromHand(params, tools) : found(frames, params, tools)
  const { traces, strength } = made
  const { 'first order': firstOrder, 'order step': orderStep } = profile.values.spectrograph
  Object.assign(traces, { firstOrder, orderStep: firstOrder ? orderStep : 0 })
  if (config.profiles.blocks && traces.blocks === 0) flatProfiles(traces, config.profiles.blocks)
  const lit = params.frames[0]?.lit ?? parseHandTrace(readFileSync(params.hand!, 'utf8'), params.hand!).fibres
  const source = basename(params.hand ?? params.frames[0]!.path)
  const height = params.rows || traces.rows
  const cards = traceCards({ ...params, lit, height, source, refined: false })
  writeProduct(products[0]!, tracesHdus(traces, cards), context, parents)
  if (products[1]) await drawTraces(products[1], frames, traces, strength)
  const measurements = measure(made, params)
  return job.inputs.map((input) => ({ input, status: 'done', product: products[0], measurements }))
}

function fromHand(params: TraceJob, { config }: Tools<Trace0Schema>): Made {
  const hand = parseHandTrace(readFileSync(params.hand!, 'utf8'), basename(params.hand!))
  const { width, height, orders, fibres, rows } = params
  const { blocks } = config.profiles
  return tracesFromHand(hand, { width, height, orders, fibres, degree: config.hand.degree, rows: rows || 11, blocks })
}

function found(frames: OrderFrame[], params: TraceJob, { config, profile }: Tools<Trace0Schema>): Made {
  const { spectrograph } = profile.values
  const images = together(frames, params)
  const result: FoundOrders = findOrders(images, {
    ...{ fibres: params.fibres, orders: params.orders, rows: params.rows, terms: config.find.degree + 1 },
    fibreOrder: spectrograph['fibre order'],
  })
  const least = config.find['least orders']
  if (result.traces.orders < least) {
    const what = `${params.frames.map(({ shown }) => shown).join(', ')}: ${result.traces.orders || 'no'} orders found, ${least} wanted`
    throw new DataError(what, 'is the lamp on, and is the dispersion along the axis that the profile says?')
  }
  result.traces.scatter = result.rms
  const { traces, scale, strength } = result
  return { traces, rms: [...result.rms].filter(Number.isFinite), fwhm: scale.fwhm, strength }
}

/** Frames that light the same fibres are one image; what is bad in one of them is bad. */
function together(frames: OrderFrame[], { frames: asked }: TraceJob) {
  const groups = new Map<
    string,
    { pixels: Float32Array; mask: Int16Array; lit: number[]; width: number; height: number }
  >()
  frames.forEach(({ pixels, mask, width, height }, k) => {
    const { lit } = asked[k]!
    const group = groups.get(lit.join())
    if (!group) {
      const sum = pixels.slice()
      groups.set(lit.join(), { pixels: sum, mask: withoutSaturated(mask), lit, width, height })
      return
    }
    addFrame(group, pixels, withoutSaturated(mask))
  })
  return [...groups.values()]
}

/** Saturated light is light. */
function withoutSaturated(mask: Int16Array): Int16Array {
  const bad = mask.slice()
  for (let p = 0; p < bad.length; p++) bad[p]! &= ~2
  return bad
}

function addFrame(
  { pixels: sum, mask: all }: { pixels: Float32Array; mask: Int16Array },
  pixels: Float32Array,
  bad: Int16Array,
): void {
  for (let p = 0; p < pixels.length; p++) {
    sum[p]! += pixels[p]!
    all[p]! |= bad[p]!
  }
}

function flatProfiles(traces: Traces, blocks: number): void {
  traces.blocks = blocks
  traces.profiles = new Float64Array(blocks * traces.orders * traces.fibres * traces.rows).fill(1 / traces.rows)
}

async function drawTraces(path: string, frames: OrderFrame[], traces: Traces, strength?: Float64Array): Promise<void> {
  const [first] = frames as [OrderFrame]
  const pixels = first.pixels.slice()
  for (const { pixels: more } of frames.slice(1)) for (let p = 0; p < pixels.length; p++) pixels[p]! += more[p]!
  const foretold = (order: number, fibre: number) => strength?.[order * traces.fibres + fibre] === 0
  const title = `${basename(first.path)}: ${traces.orders} orders, first estimate`
  await writeFigure(path, tracesFigure(title, { ...first, pixels, unit: '' }, traces, foretold))
}

function measure({ traces, rms, fwhm, strength }: Made, { fibres }: TraceJob): Row['measurements'] {
  const traced = Array.from({ length: fibres }, (_, f) => f).filter((f) =>
    Number.isFinite(traces.coefficients[f * traces.terms]),
  )
  const sure = strength?.filter((value) => value > 0)
  return {
    orders: traces.orders,
    fibres: traced.join(' '),
    fwhm_px: fwhm,
    rms_px: rms.length ? medianOf(Float64Array.from(rms)) : undefined,
    worst_px: rms.length ? Math.max(...rms) : undefined,
    faintest: sure?.length ? Math.min(...sure) : undefined,
  }
}

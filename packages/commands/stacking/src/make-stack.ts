import { DataError, type Job, type ProductWriter, type Row, startProduct, type Tools } from '@nightpipe/command'
import { createHeader, type NewHdu } from '@nightpipe/fits'
import { medianOf } from '@nightpipe/math'
import type { Broken, RowsArgs, RowsDone } from './combine-rows.js'
import type { Stars, Unreadable } from './examine.js'
import type { FrameInfo } from './frames.js'
import { grownSpots, growsIn } from './grow.js'
import { matchAll } from './match-all.js'
import type { Examined, Matched } from './match-frames.js'
import type { StackJob } from './plan.js'
import { type Canvas, canvasOf, planeOf, type Recipe, reachOf, toleranceOf } from './recipe.js'
import { type Spot, spotsOf } from './saturated-spots.js'
import type { StackingSchema } from './schema.js'
import { framesTable, stackHeader } from './stack-header.js'

type StackTools = Tools<StackingSchema>

/** Rows per task: fixed, so that the parts are the same whatever the number of threads. */
const ROWS_PER_TASK = 64

/** The frames of one stack: examined, matched, combined. */
export async function makeStack(job: Job<StackJob>, tools: StackTools): Promise<Row[]> {
  const rows: Row[] = []
  const examined = await examine(job.params.frames, rows, tools)
  const { minimum } = tools.config.group
  if (examined.length === 0) throw new DataError(`${job.name}: none of its frames can be used`)
  const matched = setAside(
    await matchAll(examined, (path, reason) => rows.push(fail(path, reason)), tools),
    rows,
    tools,
  )
  if (matched.length < minimum) {
    throw new DataError(
      `${job.name}: ${matched.length} frames are left, ${minimum} needed`,
      'see [group] minimum and [reject]',
    )
  }
  const measured = await combine(job, matched, tools)
  if ('broken' in measured) return [...rows, ...measured.broken]
  const product = job.products[0]
  // its frames are told of by the stacks of their filters
  if (job.params.all) return [{ input: job.name, status: 'done', product }]
  return [
    ...rows,
    ...matched.map((one): Row => ({ input: one.frame.path, status: 'done', product, measurements: measure(one) })),
  ]
}

const fail = ({ path }: FrameInfo, reason: string): Row => ({ input: path, status: 'failed', reason })

async function examine(frames: readonly FrameInfo[], rows: Row[], tools: StackTools): Promise<Examined[]> {
  const found = await tools.map<FrameInfo, Stars | Unreadable>('examine', frames)
  return frames.flatMap((frame, k): Examined[] => {
    const own = found[k]
    if ('unreadable' in own) rows.push(fail(frame, own.unreadable))
    else if (!Number.isFinite(own.stars.skySigma))
      rows.push({ input: frame.path, status: 'rejected', reason: 'has no good pixels' })
    else return [{ frame, ...own }]
    return []
  })
}

/** Frames that the rules of the configuration keep out. */
function setAside(matched: readonly Matched[], rows: Row[], { config }: StackTools): Matched[] {
  const { seeing, transparency } = config.reject
  const widths = matched.map(({ stars }) => stars.seeing).filter((width) => width > 0)
  const typical = widths.length > 0 ? medianOf(widths) : Number.NaN
  return matched.filter((one) => {
    const reject = (reason: string) => {
      rows.push({ input: one.frame.path, status: 'rejected', reason, measurements: measure(one) })
      return false
    }
    const exposure = one.frame.exposureSeconds
    const reference = matched.find(({ isReference }) => isReference)?.frame.exposureSeconds
    const clear = (exposure && reference ? reference / exposure : 1) / one.scale
    if (clear < transparency)
      return reject(`its stars have ${(100 * clear).toFixed(0)} % of the light (see [reject] transparency)`)
    if (seeing > 0 && one.stars.seeing > seeing * typical) {
      return reject(
        `its stars are ${one.stars.seeing.toFixed(1)} px wide, the others ${typical.toFixed(1)} (see [reject] seeing)`,
      )
    }
    if (!(one.weight > 0)) return reject('has no weight: its noise or seeing could not be measured')
    return true
  })
}

const known = (value: number) => (Number.isFinite(value) ? value : undefined)

const measure = ({ scale, scaleError, common, offset, weight, stars }: Matched) => ({
  ...{ scale, scale_error: known(scaleError), stars: common, offset, weight, seeing_px: known(stars.seeing) },
  ...{ sky: known(stars.sky), sky_sigma: known(stars.skySigma) },
})

async function combine(
  job: Job<StackJob>,
  matched: readonly Matched[],
  tools: StackTools,
): Promise<RowsDone | { broken: Row[] }> {
  const { config } = tools
  const canvas = canvasOf(matched.map(({ frame }) => frame))
  const planes = matched.map(planeOf)
  const reference = Math.max(
    0,
    matched.findIndex(({ isReference }) => isReference),
  )
  const level = config.product.sky === 'zero' ? 0 : matched[reference].stars.sky
  const header = stackHeader({ job: job.params, matched, planes, reference, canvas, level, config })
  const product = startProduct(job.products[0], planesOf(canvas, header, config.product), tools.context)
  const recipe: Recipe = {
    ...{
      plan: product.writer.plan,
      canvas,
      planes,
      spots: spotsOf(matched),
      method: config.combine.method as Recipe['method'],
      level,
    },
    ...{ low: config.combine.low, high: config.combine.high, drop: config.combine.drop, write: config.product },
    ...{
      tolerance: toleranceOf(matched, config),
      reach: reachOf(matched, config),
      errors: matched.every(({ frame }) => frame.hasError),
      grows: growsIn(matched, config),
    },
    memoryBytes: tools.memoryBytes / tools.workers / 2,
  }
  try {
    return await fill(job, matched, recipe, product, tools)
  } catch (error) {
    product.discard()
    throw error
  }
}

async function fill(
  job: Job<StackJob>,
  matched: readonly Matched[],
  recipe: Recipe,
  product: ProductWriter,
  tools: StackTools,
): Promise<RowsDone | { broken: Row[] }> {
  const { width, height } = recipe.canvas
  const tasks = Array.from({ length: Math.ceil(height / ROWS_PER_TASK) }, (_, k): RowsArgs => {
    const first = k * ROWS_PER_TASK
    return { recipe, first, rows: Math.min(ROWS_PER_TASK, height - first) }
  })
  const answers = await combineAll(tasks, matched, tools)
  const broken = answers.filter((answer) => 'plane' in answer)
  if (broken.length > 0) {
    product.discard()
    return { broken: brokenRows(job, matched, broken) }
  }
  const total: RowsDone = { sums: [], samples: 0, used: 0, pixels: 0, saturated: 0, outliers: [] }
  for (const done of answers as RowsDone[]) {
    for (const [plane, sum] of done.sums.entries()) product.writer.addSum(plane, sum)
    for (const key of ['samples', 'used', 'pixels', 'saturated'] as const) total[key] += done[key]
  }
  product.writer.setCard(0, 'NREJECT', total.samples - total.used)
  product.writer.setCard(0, 'COVERAGE', Number((total.used / (width * height)).toPrecision(6)))
  product.writer.setCard(0, 'NSAT', total.saturated)
  product.finish(job.parents, [framesTable(matched)])
  return total
}

/** All strips; then again those in which frames are left out about what stands out in them, as all strips together show. */
async function combineAll(tasks: RowsArgs[], matched: readonly Matched[], tools: StackTools) {
  const answers = await tools.map<RowsArgs, RowsDone | Broken>('combine', tasks)
  const { canvas } = tasks[0].recipe
  const outliers = answers.flatMap((answer) => ('outliers' in answer ? answer.outliers : []))
  const grown = grownSpots(outliers, matched, canvas)
  const again = tasks.flatMap(({ first, rows }, k) => (touches(grown, first + canvas.y0, rows) ? [k] : []))
  if (again.length === 0) return answers
  const anew = again.map((k) => ({ ...tasks[k], recipe: { ...tasks[k].recipe, grows: false, grown } }))
  const made = await tools.map<RowsArgs, RowsDone | Broken>('combine', anew)
  for (const [n, k] of again.entries()) answers[k] = made[n]
  return answers
}

const touches = (spots: readonly Spot[], first: number, rows: number) =>
  spots.some(({ y, radius }) => y + radius >= first && y - radius < first + rows)

/** Without the damaged frame the stack would be another one: it is told, and the others wait for the next run. */
function brokenRows(job: Job<StackJob>, matched: readonly Matched[], broken: readonly Broken[]): Row[] {
  const reasons = new Map(broken.map(({ plane, unreadable }) => [plane, unreadable]))
  const [first] = [...reasons.keys()]
  return matched.map(({ frame }, k): Row => {
    const own = reasons.get(k)
    return fail(frame, own ?? `${job.name} was not made: ${matched[first].frame.name} ${reasons.get(first)}`)
  })
}

function planesOf({ width, height }: Canvas, header: NewHdu['header'], write: Recipe['write']): NewHdu[] {
  const axes = [width, height]
  const unit = header?.cards.find(({ keyword }) => keyword === 'BUNIT')?.value
  const extra = (name: string, bitpix: -32 | 16, of: string, doc: string): NewHdu => ({
    ...{ kind: 'image', name, bitpix, axes },
    header: createHeader([['BUNIT', of, doc]]),
  })
  return [
    { kind: 'image', bitpix: -32, axes, header },
    ...(write.error ? [extra('ERR', -32, typeof unit === 'string' ? unit : '', 'unit of the pixels')] : []),
    ...(write.mask ? [extra('MASK', 16, '', 'bits, see the documentation')] : []),
    ...(write.coverage ? [extra('COVERAGE', 16, '', 'frames in a pixel')] : []),
  ]
}

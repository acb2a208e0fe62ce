import { DataError, type Job, type Row, startProduct, type Tools } from '@nightpipe/command'
import { createHeader, type NewHdu } from '@nightpipe/fits'
import { forRuns, newRun, noiseFactor, type PixelMap, type RunMap, runMap, transform } from '@nightpipe/registration'
import type { FrameInfo } from './frames.js'
import { type Grid, gridFor, storedMap } from './grid.js'
import type { ResampleJob } from './plan.js'
import { alignedHeader, digits, NOISE_FACTOR } from './product-header.js'
import { type RowsArgs, type RowsDone, rowsPerTask } from './resample-task.js'
import type { AlignmentSchema } from './schema.js'
import { readTransforms, type Transform } from './transforms-table.js'

/** Resamples one frame on the grid of its reference, as the table of its group says, or sets it aside. */
export async function resampleFrame(job: Job, params: ResampleJob, tools: Tools<AlignmentSchema>): Promise<Row[]> {
  const { frame } = params
  const { reference: name, rows } = readTransforms(params.transforms)
  const row = rows.find(({ file }) => file === frame.name)
  if (!row) throw new DataError(`${frame.name} is not in ${params.transforms}`)
  const reference = params.candidates.find((candidate) => candidate.name === name)
  if (!reference) throw new DataError(`${name}, the reference, is not among the inputs any more`)
  if (!row.map) return [{ ...setAside(job, row), measurements: measure(row, name) }]
  const map = storedMap(row.map, reference.path, frame.path)
  const { method, grid: extent, overlap } = tools.config.resample
  const grid = gridFor(map, reference, frame, extent)
  const runs = runMap(shifted(map, grid), grid.width, grid.height)
  const covered = coverage(runs, grid, frame)
  const measurements = { ...measure(row, name), ...parts(map, reference), overlap: covered }
  if (extent === 'reference' && covered < overlap) {
    const reason = `covers only ${(100 * covered).toFixed(1)} % of ${name}`
    return [{ input: frame.path, status: 'rejected', reason, measurements }]
  }
  const header = alignedHeader({ frame, reference, grid, row, name, method })
  const factor = await write(job, { params, grid, runs, row, header }, tools)
  return [
    {
      input: frame.path,
      status: 'done',
      product: job.products[0],
      measurements: { ...measurements, noise_factor: factor },
    },
  ]
}

const setAside = ({ inputs }: Job, { status, reason }: Transform): Row => ({
  ...{ input: inputs[0], status: status === 'failed' ? 'failed' : 'rejected', reason },
})

const known = (value: number) => (Number.isFinite(value) ? value : undefined)

function measure(row: Transform, reference: string) {
  return {
    ...{ reference, model: row.model || undefined, stars: row.stars, matched: row.matched },
    ...{ rms_px: known(row.rms), chance: known(row.chance), seeing_px: known(row.seeing) },
    ...{ ellipticity: known(row.ellipticity), sky: known(row.sky), sky_sigma: known(row.skySigma) },
  }
}

/** How the frame lies on the reference, at the middle of the latter. */
function parts(map: PixelMap, { width, height }: FrameInfo) {
  const at = typeof map === 'function' ? map : (x: number, y: number) => transform(map, x, y)
  const [cx, cy] = [(width - 1) / 2, (height - 1) / 2]
  const [[u, v], [u1, v1], [u2, v2]] = [at(cx, cy), at(cx + 1, cy), at(cx, cy + 1)]
  const [a, b, d, e] = [u1 - u, u2 - u, v1 - v, v2 - v]
  const determinant = a * e - b * d
  const flip = determinant < 0 ? -1 : 1
  return {
    ...{ shift_x_px: u - cx, shift_y_px: v - cy, rotation_deg: (Math.atan2(flip * d, flip * a) * 180) / Math.PI },
    ...{ scale: Math.sqrt(Math.abs(determinant)), mirrored: determinant < 0 ? 'yes' : 'no' },
  }
}

/** Places, in each direction, at which is looked whether the frame covers them. */
const LOOKS = 64

/** What part of the new grid the frame covers. */
function coverage(runs: RunMap, grid: Grid, { width, height }: FrameInfo): number {
  const run = newRun()
  let inside = 0
  for (let j = 0; j < LOOKS; j++) {
    const y = Math.max(0, ((j + 0.5) * grid.height) / LOOKS - 0.5)
    let i = 0
    forRuns(runs, y, grid.width, run, (run) => {
      for (; i < LOOKS; i++) {
        const along = ((i + 0.5) * grid.width) / LOOKS - 0.5 - run.x
        if (along >= run.count) break
        const a = run.u + along * run.du
        const b = run.v + along * run.dv
        if (a >= -0.5 && b >= -0.5 && a <= width - 0.5 && b <= height - 0.5) inside++
      }
    })
  }
  return inside / LOOKS ** 2
}

/** The same map, for a grid whose first pixel is (x0, y0) of the reference. */
function shifted(map: PixelMap, { x0, y0 }: Grid): PixelMap {
  if (x0 === 0 && y0 === 0) return map
  if (typeof map === 'function') return (x, y) => map(x + x0, y + y0)
  const [a, b, c, d, e, f] = map
  return [a, b, a * x0 + b * y0 + c, d, e, d * x0 + e * y0 + f]
}

interface Work {
  params: ResampleJob
  grid: Grid
  runs: RunMap
  row: Transform
  header: ReturnType<typeof alignedHeader>
}

/** Writes the product, and gives its noise factor, which is found while other threads begin with the pixels. */
async function write(
  job: Job,
  { params: { frame }, grid, runs, row, header }: Work,
  tools: Tools<AlignmentSchema>,
): Promise<number> {
  const { method, conserve, lift } = tools.config.resample
  const axes = [grid.width, grid.height]
  const unit = header.cards.find(({ keyword }) => keyword === 'BUNIT')?.value
  const hdus: NewHdu[] = [{ kind: 'image', bitpix: -32, axes, header }]
  if (frame.hasError) {
    const cards = createHeader([['BUNIT', typeof unit === 'string' ? unit : '', 'unit of the pixels']])
    hdus.push({ kind: 'image', name: 'ERR', bitpix: -32, axes, header: cards })
  }
  if (frame.hasMask) {
    const cards = createHeader([['BUNIT', '', 'bits, see the documentation']])
    hdus.push({ kind: 'image', name: 'MASK', bitpix: 16, axes, header: cards })
  }
  const product = startProduct(job.products[0], hdus, tools.context)
  try {
    const step = rowsPerTask(runs, grid, frame)
    const common = {
      ...{ plan: product.writer.plan, frame, runs, width: grid.width, method, conserve },
      level: Number.isFinite(row.sky) ? row.sky : 0,
      margin: lift > 0 && row.skySigma > 0 ? lift * row.skySigma : Number.POSITIVE_INFINITY,
    }
    const tasks = Array.from(
      { length: Math.ceil(grid.height / step) },
      (_, k): RowsArgs => ({
        ...common,
        ...{ first: k * step, rows: Math.min(step, grid.height - k * step) },
      }),
    )
    const strips = tools.map<RowsArgs, RowsDone>('resampleRows', tasks)
    const factor = noiseFactor(runs, grid, frame, method as 'lanczos3')
    product.writer.setCard(0, NOISE_FACTOR, digits(factor))
    for (const { sums } of await strips) {
      for (const [plane, sum] of sums.entries()) product.writer.addSum(plane, sum)
    }
    product.finish(job.parents)
    return factor
  } catch (error) {
    product.discard()
    throw error
  }
}

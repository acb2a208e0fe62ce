import type { Job, Parent, Row, Tools } from '@nightpipe/command'
import { writeFigure } from '@nightpipe/plot'
import { wrapDegrees } from '@nightpipe/sky'
import { withCommonDistortion } from './common-fit.js'
import { fieldOf } from './frame-stars.js'
import type { AstrometryJob, FrameJob } from './plan.js'
import { residualPlot } from './plot.js'
import { writeSolved } from './product.js'
import type { AstrometryConfig, AstrometrySchema } from './schema.js'
import { type Solved, solveFrame, type Unsolved, wcsOf } from './solve.js'

/** What a thread needs to solve one frame of a group. */
export interface SolveTask {
  frame: FrameJob
  config: AstrometryConfig
}

export async function solveTask({ frame, config }: SolveTask): Promise<Solved | Unsolved> {
  try {
    return await solveFrame(frame, fieldOf(frame, config), config)
  } catch (error) {
    return { reason: (error as Error).message }
  }
}

/** The only frame of a job: what is wrong with it is the matter of the job. */
export const solveOneTask = ({ frame, config }: SolveTask): Promise<Solved | Unsolved> =>
  solveFrame(frame, fieldOf(frame, config), config)

/** One frame, or a group of frames that share their distortion (each then depends on all): solved, fitted, written. */
export async function solveJob(
  { params, parents }: Job<AstrometryJob>,
  tools: Tools<AstrometrySchema>,
): Promise<Row[]> {
  const { frames } = params
  const { config } = tools
  // a single frame too is a task, for this thread and its helpers: its digest is made meanwhile
  const results = await tools.map<SolveTask, Solved | Unsolved>(
    frames.length === 1 ? 'solveOne' : 'solve',
    frames.map((frame) => ({ frame, config })),
    { digests: frames.length === 1 ? 'last' : 'first' },
  )
  const solved = results.filter((result): result is Solved => !('reason' in result))
  const fitted = frames.length > 1 ? withCommonDistortion(solved, config) : solved
  const rows: Row[] = []
  for (const [k, frame] of frames.entries()) {
    const result = results[k]!
    if ('reason' in result) rows.push({ input: frame.path, status: 'failed', reason: result.reason })
    else rows.push(await finish(frame, fitted[solved.indexOf(result)]!, parents, tools))
  }
  return rows
}

async function finish(
  frame: FrameJob,
  solved: Solved,
  parents: readonly Parent[],
  { config, context }: Tools<AstrometrySchema>,
): Promise<Row> {
  const product = writeSolved(frame, solved, config, context, parents)
  if (frame.plot) await writeFigure(frame.plot, residualPlot(frame.stem, solved))
  return { input: frame.path, status: 'done', product, measurements: measurementsOf(solved, config) }
}

function measurementsOf(solved: Solved, config: AstrometryConfig): Record<string, number | string> {
  const wcs = wcsOf(solved, config)
  const { width, height } = solved
  const [ra, dec] = wcs.toSky((width - 1) / 2, (height - 1) / 2)
  const [a, b, c, d] = wcs.linear.matrix
  const hand = a * d - b * c < 0 ? 1 : -1
  // how far the y axis of the frame is turned from north towards east
  const turn = wrapDegrees((Math.atan2(b, d) * 180) / Math.PI)
  const round = (value: number, digits: number) => Number(value.toFixed(digits))
  return {
    ...{ stars: solved.stars, references: solved.references, matched: solved.matched },
    ...{ rms_arcsec: round(solved.rms * wcs.scaleArcsec, 5), rms_px: round(solved.rms, 5), order: solved.plate.order },
    ...{
      ra_deg: round(ra, 7),
      dec_deg: round(dec, 7),
      scale_arcsec: round(wcs.scaleArcsec, 6),
      turn_deg: round(turn, 4),
    },
    ...{
      hand: hand > 0 ? 'normal' : 'mirrored',
      offset_deg: round(solved.offset, 5),
      log_false: round(solved.logFalse, 1),
    },
  }
}

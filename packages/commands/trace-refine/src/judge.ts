import type { Plan, Request, Row, Verdict } from '@nightpipe/command'
import { addStandards, openTree } from '@nightpipe/spectrographs'
import type { RefineJob } from './plan.js'
import type { RefineSchema } from './schema.js'

/** Enters the traces in the table of a tree, marked unusable when they are not to be trusted, and says so. */
export async function judge(
  request: Request<RefineSchema>,
  rows: readonly Row[],
  plan: Plan,
): Promise<Verdict | undefined> {
  const [job] = plan.jobs
  const made = job && rows.find(({ status, product }) => status === 'done' && product === job.products[0])
  if (!job || !made) return undefined
  const doubt = made.measurements?.doubt
  const tree = openTree(request.flags)
  if (tree) {
    const { mjd = 0, camera = '', flats } = job.params as RefineJob
    const lit = [...new Set(flats.flatMap((flat) => flat.lit))]
    await addStandards(tree, [
      {
        ...{ type: 'TRACE', path: job.products[0]!, averaged: 1, camera, mjd, unusable: doubt !== undefined },
        // as the NRES pipeline has it: 3 for three fibres, 2 for two
        fibres: lit.length >= 3 ? [0, 1, 2] : [1, 2],
      },
    ])
  }
  return doubt === undefined ? undefined : { ok: false, reasons: [String(doubt)] }
}

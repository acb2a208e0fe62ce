import type { Plan, Request, Row } from '@nightpipe/command'
import { addStandards, openTree } from '@nightpipe/spectrographs'
import type { TraceJob } from './plan.js'
import type { Trace0Schema } from './schema.js'

/** In a tree the product is entered in standards.csv. */
export async function register(request: Request<Trace0Schema>, rows: readonly Row[], plan: Plan): Promise<void> {
  const tree = openTree(request.flags)
  if (!tree) return
  const made = plan.jobs.filter((job) =>
    rows.some(({ product, status }) => status === 'done' && product === job.products[0]),
  )
  const products = made.map(({ products: [path], params }) => {
    const { mjd = 0, camera = '' } = params as TraceJob
    return { type: 'TRACE' as const, path: path!, averaged: 1, camera, mjd }
  })
  await addStandards(tree, products)
}

import t from 'tap'
import { fuzz } from './fuzz/run.js'

// A short run; NIGHTPIPE_FUZZ=10000 (or scripts/fuzz-fits) makes it a long one, NIGHTPIPE_FUZZ_SEED another one.
const cases = Number(process.env.NIGHTPIPE_FUZZ ?? 400)
const seed = Number(process.env.NIGHTPIPE_FUZZ_SEED ?? 1)

t.setTimeout(1000 * (900 + cases))

t.test(`${cases} mutated files: each gives a clear error or an answer, within 2 s and 500 MB`, async (t) => {
  const report = await fuzz(seed, cases)
  t.comment(`${report.readable} readable, slowest ${Math.round(report.slowestMs)} ms, ${report.maxRssMb} MB at most`)
  t.same(report.problems, [])
})

import { setTimeout as pass } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import {
  allocate,
  HELPER_PROGRAM,
  handOver,
  kernels,
  nextHelper,
  scoped,
  seats,
  settle,
  together,
  withoutHelpers,
} from '../src/index.js'

const PIECE = 1000
const same = (a: Float32Array, b: Float32Array) => a.length === b.length && a.every((value, k) => value === b[k])

/** Big-endian floats k, 2 k + 1, converted piece by piece by `give`. */
function converted(
  pieces: number,
  give: (calls: ['floatsFromFloats', number, number, number, number, number][]) => void,
) {
  return scoped(() => {
    const [source, target] = [allocate(Uint8Array, 4 * PIECE * pieces), allocate(Float32Array, PIECE * pieces)]
    const view = new DataView(source.buffer, source.byteOffset, source.length)
    for (let k = 0; k < PIECE * pieces; k++) view.setFloat32(4 * k, k)
    give(
      Array.from({ length: pieces }, (_, k) => {
        const at = 4 * PIECE * k
        return ['floatsFromFloats', source.byteOffset + at, target.byteOffset + at, PIECE, 2, 1]
      }),
    )
    return target.slice()
  })
}

async function withHelper(work: () => void) {
  const worker = new Worker(`const data = require('node:worker_threads').workerData\n${HELPER_PROGRAM}`, {
    eval: true,
    workerData: nextHelper(),
  })
  await new Promise((up) => worker.once('online', up))
  await pass(50)
  try {
    work()
  } finally {
    withoutHelpers()
    await worker.terminate()
  }
}

t.test('calls done together, more than fit at once, give what one thread gives', async (t) => {
  t.equal(seats(), 1)
  const expected = Float32Array.from({ length: 700 * PIECE }, (_, k) => 2 * k + 1)
  t.ok(
    same(
      converted(700, (calls) => together(calls)),
      expected,
    ),
  )
  await withHelper(() => {
    t.equal(seats(), 2)
    for (let round = 0; round < 20; round++)
      t.ok(
        same(
          converted(700, (calls) => together(calls)),
          expected,
        ),
      )
    const handed = converted(700, (calls) => {
      for (const call of calls) handOver(call)
      settle()
    })
    t.ok(same(handed, expected))
  })
  t.equal(seats(), 1)
})

t.test('a helper that never comes is not waited for', async (t) => {
  nextHelper()
  const expected = Float32Array.from({ length: 3 * PIECE }, (_, k) => 2 * k + 1)
  t.ok(
    same(
      converted(3, (calls) => together(calls)),
      expected,
    ),
  )
  withoutHelpers()
})

t.test('a helper that comes late leaves what kernels keep in memory as it is', async (t) => {
  const value = () => new Float32Array(kernels().memory.buffer, kernels().ditherValues(), 100).slice()
  const before = value()
  await withHelper(() => t.ok(same(value(), before)))
})

t.test('what is wrong in another thread is an error here, and the next calls are done', async (t) => {
  await withHelper(() => {
    const bad = ['floatsFromFloats', 0xfffffff0, 0xfffffff0, 100, 1, 0] as const
    t.throws(() => together([bad, bad, bad, bad]), { name: 'RangeError', message: /memory access out of bounds/ })
    const expected = Float32Array.from({ length: 2 * PIECE }, (_, k) => 2 * k + 1)
    t.ok(
      same(
        converted(2, (calls) => together(calls)),
        expected,
      ),
    )
  })
})

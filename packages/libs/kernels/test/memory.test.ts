import t from 'tap'
import { allocate, inKernelMemory, kernels, scoped } from '../src/index.js'

t.test('an array made before the memory grew still sees the same bytes', async (t) => {
  scoped(() => {
    const early = allocate(Float32Array, 8)
    early.fill(7)
    allocate(Float32Array, 1 << 20)
    const late = allocate(Float32Array, 8)
    kernels().floatsFromBigEndian(early.byteOffset, early.byteOffset, 8)
    kernels().floatsFromBigEndian(early.byteOffset, late.byteOffset, 8)
    t.ok(inKernelMemory(early))
    t.ok(inKernelMemory(late))
    t.notOk(inKernelMemory(new Float32Array(3)))
    t.same([...late], [7, 7, 7, 7, 7, 7, 7, 7])
  })
})

t.test('more than a thread can have is refused in words, and what there is can still be used', async (t) => {
  t.throws(() => scoped(() => allocate(Float32Array, 2 ** 30)), {
    message: /^out of memory: 4\.\d GiB at once, .* 4\.0$/,
  })
  scoped(() => t.equal(allocate(Float32Array, 16).fill(3)[15], 3))
})

t.test('big-endian floats come out as DataView reads them, for every length up to three vectors', async (t) => {
  for (let n = 0; n <= 12; n++) {
    scoped(() => {
      const bytes = allocate(Uint8Array, 4 * n)
      const out = allocate(Float32Array, n)
      for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 37 + 11) & 127
      kernels().floatsFromBigEndian(bytes.byteOffset, out.byteOffset, n)
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      for (let i = 0; i < n; i++) t.equal(out[i], view.getFloat32(4 * i))
    })
  }
})

import t from 'tap'
import { allocate, kernels, scoped } from '../src/index.js'

/** FITS standard 4.0, appendix J: 16-bit halves are added, and what overflows is added again. */
function oracle(bytes: Uint8Array): number {
  let total = 0n
  for (let i = 0; i < bytes.length; i++) total += BigInt(bytes[i]!) << BigInt(8 * (3 - (i % 4)))
  while (total >> 32n) total = (total & 0xffffffffn) + (total >> 32n)
  return Number(total)
}

t.test('the checksum is that of big-endian words, whatever the length', async (t) => {
  for (const n of [0, 1, 2, 3, 4, 15, 16, 17, 31, 63, 64, 65, 2880, 1_048_592 + 7]) {
    scoped(() => {
      const bytes = allocate(Uint8Array, n)
      for (let i = 0; i < n; i++) bytes[i] = (i * 131 + (i >> 7)) & 255
      t.equal(kernels().onesSum(bytes.byteOffset, n) >>> 0, oracle(bytes), `${n} bytes`)
    })
  }
})

t.test('no carry is lost where every bit is set', async (t) => {
  scoped(() => {
    const bytes = allocate(Uint8Array, 4_000_000).fill(255)
    t.equal(kernels().onesSum(bytes.byteOffset, bytes.length) >>> 0, oracle(bytes))
  })
})

t.test(
  'swapping and summing in one go gives the bytes and the sum of the two steps, whatever the number',
  async (t) => {
    const { swap16, swap32, swap16Sum, swap32Sum, onesSum } = kernels()
    for (const [size, swap, both] of [[2, swap16, swap16Sum] as const, [4, swap32, swap32Sum] as const]) {
      for (const n of [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 17, 31, 100, 300_001]) {
        for (const fill of [(i: number) => (i * 131 + (i >> 7)) & 255, () => 255]) {
          scoped(() => {
            const source = allocate(Uint8Array, size * n)
            for (let i = 0; i < source.length; i++) source[i] = fill(i)
            const [once, twice] = [allocate(Uint8Array, size * n), allocate(Uint8Array, size * n)]
            swap(source.byteOffset, twice.byteOffset, n)
            const sum = both(source.byteOffset, once.byteOffset, n) >>> 0
            t.equal(sum, onesSum(twice.byteOffset, size * n) >>> 0, `${n} of ${size} bytes`)
            t.equal(Buffer.compare(Buffer.from(once), Buffer.from(twice)), 0)
          })
        }
      }
    }
  },
)

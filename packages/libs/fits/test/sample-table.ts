import type { NewColumn } from '../src/index.js'

export const rows = 3

/** A column of every type that FITS knows, with the ends of their ranges. */
export const everyColumn: NewColumn[] = [
  { name: 'L', values: [true, false, undefined] },
  { name: 'X', format: '11X', values: Uint8Array.from({ length: 33 }, (_, i) => (i % 3 === 0 ? 1 : 0)) },
  { name: 'B', values: Uint8Array.of(1, 2, 255) },
  { name: 'SB', values: Int8Array.of(-128, 0, 127) },
  { name: 'I', values: Int16Array.of(-5, 6, 32767), nullValue: -5, nulls: Uint8Array.of(1, 0, 0) },
  { name: 'UI', values: Uint16Array.of(0, 1, 65535) },
  { name: 'J', unit: 'adu', comment: 'two a row', values: Int32Array.of(1, -2, 3, 4, 5, -2147483648) },
  { name: 'UJ', values: Uint32Array.of(1, 2, 2 ** 32 - 1) },
  { name: 'K', values: BigInt64Array.of(1n, -2n, 2n ** 62n) },
  { name: 'UK', values: BigUint64Array.of(1n, 2n, 2n ** 64n - 1n) },
  { name: 'A', values: ['one', '', 'three & four'] },
  { name: 'SUB', format: '8A4', values: ['abcd', 'ef', 'g', '', 'xyz', 'q'] },
  { name: 'SHAPE', format: '12A', dim: [4, 3], values: ['aa', 'b', 'cccc', '', 'd', 'e', 'f', 'g', 'h'] },
  { name: 'NONE', format: '0J', values: new Int32Array(0) },
  { name: 'E', values: Float32Array.of(1.5, Number.NaN, -0) },
  { name: 'D', values: Float64Array.of(1 / 3, 2, Number.POSITIVE_INFINITY) },
  { name: 'C', format: 'C', values: Float32Array.of(1, 2, 3, 4, 5, 6) },
  { name: 'M', format: '1M', values: Float64Array.of(1, 2, 3, 4, 5, 6) },
  { name: 'CUBE', dim: [2, 3], values: Float64Array.from({ length: 18 }, (_, i) => i) },
  { name: 'VE', values: [Float32Array.of(1, 2, 3), new Float32Array(0), Float32Array.of(9)] },
  { name: 'VA', format: 'PA', values: ['hello', '', 'you'] },
  { name: 'VL', format: 'PL', values: [[true], [false, undefined], []] },
  {
    name: 'VX',
    format: 'PX',
    values: [Uint8Array.of(1, 0, 1), new Uint8Array(0), Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 1, 1)],
  },
  { name: 'VK', format: 'QK', values: [BigInt64Array.of(5n), BigInt64Array.of(), BigInt64Array.of(7n, 8n)] },
  { name: 'VUI', values: [Uint16Array.of(65535), new Uint16Array(0), Uint16Array.of(1, 2)] },
  { name: 'VC', format: 'PC', values: [Float32Array.of(1, 2), new Float32Array(0), Float32Array.of(3, 4, 5, 6)] },
  { name: 'SCALED', format: 'I', scale: 0.5, zero: 10, values: Float64Array.of(10.5, 11, Number.NaN), nullValue: -1 },
]

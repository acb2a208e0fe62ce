import type { NewImage } from '../src/index.js'

export const width = 37
export const height = 11
const count = width * height

/** One image of each kind of pixels, up to both ends of its range. */
export const images: [string, NewImage][] = (
  [
    ['bytes', { bitpix: 8, pixels: Uint8Array.from({ length: count }, (_, i) => 255 - i) }],
    ['signed bytes', { bitpix: 8, unsigned: true, pixels: Int8Array.from({ length: count }, (_, i) => i) }],
    ['int16', { bitpix: 16, pixels: Int16Array.from({ length: count }, (_, i) => 32767 - 161 * i) }],
    ['uint16', { bitpix: 16, unsigned: true, pixels: Uint16Array.from({ length: count }, (_, i) => 65535 - 161 * i) }],
    ['int32', { bitpix: 32, pixels: Int32Array.from({ length: count }, (_, i) => 2 ** 31 - 1 - 1e7 * i) }],
    [
      'uint32',
      { bitpix: 32, unsigned: true, pixels: Uint32Array.from({ length: count }, (_, i) => 2 ** 32 - 1 - 1e7 * i) },
    ],
    [
      'int64',
      { bitpix: 64, pixels: BigInt64Array.from({ length: count }, (_, i) => 2n ** 63n - 1n - 10n ** 16n * BigInt(i)) },
    ],
    [
      'uint64',
      {
        bitpix: 64,
        unsigned: true,
        pixels: BigUint64Array.from({ length: count }, (_, i) => 2n ** 64n - 1n - BigInt(i)),
      },
    ],
    [
      'scaled int16',
      {
        bitpix: 16,
        bscale: 0.25,
        bzero: -100,
        blank: -32768,
        pixels: Float32Array.from({ length: count }, (_, i) => (i % 5 ? i / 4 : Number.NaN)),
      },
    ],
    ['float32', { bitpix: -32, pixels: Float32Array.from({ length: count }, (_, i) => (i % 7 ? 1 / i : Number.NaN)) }],
    ['float64', { bitpix: -64, pixels: Float64Array.from({ length: count }, (_, i) => Math.exp(i) / 3) }],
  ] as const
).map(([name, image]) => [name, { kind: 'image', axes: [width, height], ...image }])

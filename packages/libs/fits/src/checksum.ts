import { allocate, inKernelMemory, kernels, scoped } from '@nightpipe/kernels'

/** Sum of the bytes as ones' complement 32-bit words, when they start at file offset `phase` modulo 4. */
export function onesSum(bytes: Uint8Array, phase = 0): number {
  let total = 0
  if (inKernelMemory(bytes)) total = kernels().onesSum(bytes.byteOffset, bytes.length) >>> 0
  else {
    scoped(() => {
      const scratch = allocate(Uint8Array, Math.min(bytes.length, 1 << 18))
      for (let at = 0; at < bytes.length; at += scratch.length) {
        const part = bytes.subarray(at, at + scratch.length)
        scratch.set(part)
        total = addSums(total, kernels().onesSum(scratch.byteOffset, part.length) >>> 0)
      }
    })
  }
  return rotated(total, phase)
}

/** Words that start inside a word of the file: in this arithmetic a shift is a rotation. */
export function rotated(sum: number, phase: number): number {
  const bits = 8 * (phase % 4)
  return bits === 0 ? sum : ((sum >>> bits) | (sum << (32 - bits))) >>> 0
}

/** Ones' complement addition: the order of the parts does not matter. */
export function addSums(a: number, b: number): number {
  const sum = a + b
  return sum > 0xffffffff ? sum - 0xffffffff : sum
}

/** Letters and digits only, so that the card survives every editor: what lies between them is stepped over. */
const EXCLUDED = [0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x40, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f, 0x60]

/**
 * The 16 characters of CHECKSUM that bring the sum of the HDU to zero (FITS standard 4.0, section J.2). `sum` is that
 * of the HDU with '0000000000000000' in their place.
 */
export function encodeChecksum(sum: number): string {
  const complement = ~sum >>> 0
  const code = new Uint8Array(16)
  for (let i = 0; i < 4; i++) {
    const byte = (complement >>> (24 - 8 * i)) & 255
    const quarters = [Math.floor(byte / 4) + (byte % 4) + 0x30, ...Array(3).fill(Math.floor(byte / 4) + 0x30)]
    while (quarters.some((character) => EXCLUDED.includes(character))) {
      for (const pair of [0, 2]) {
        if (!EXCLUDED.includes(quarters[pair]) && !EXCLUDED.includes(quarters[pair + 1])) continue
        quarters[pair]++
        quarters[pair + 1]--
      }
    }
    quarters.forEach((character, j) => {
      code[4 * j + i] = character
    })
  }
  // The value stands in columns 12 to 27 of its card, one byte off the words: turned right by one.
  return String.fromCharCode(code[15]!, ...code.subarray(0, 15))
}

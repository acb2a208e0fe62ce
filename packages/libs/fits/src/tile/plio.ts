import { TileError } from './error.js'

/**
 * PLIO_1, the run-length code of IRAF pixel lists (FITS standard 4.0, section 10.4.3): 16-bit instructions of a 4-bit
 * code and a 12-bit number, for pixels that are not negative. `words` is a line list, machine order, header included.
 */
export function decodePlio(words: Int16Array, out: Int32Array): void {
  out.fill(0)
  if (words.length < 3) throw new TileError('PLIO data without a header')
  // The old form keeps its length in the third word; the new one has -100 there and a length of 30 bits.
  const old = words[2] > 0
  const length = old ? words[2] : words[2] === -100 && words.length >= 7 ? words[3] + words[4] * 32768 : 0
  const first = old ? 3 : words[1]
  if (length > words.length) throw new TileError(`PLIO data of ${length} words in ${words.length}`)
  if (length > 0 && first < 3) throw new TileError(`PLIO header of ${first} words`)
  let high = 1
  let at = 0
  for (let i = first; i < length && at < out.length; i++) {
    const word = words[i] & 0xffff
    const number = word & 4095
    const code = word >> 12
    if (code === 1) {
      if (i + 1 >= length) throw new TileError('PLIO data ends within an instruction')
      high = (words[++i] << 12) + number
    } else if (code === 2 || code === 6) high += number
    else if (code === 3 || code === 7) high -= number
    else if (code > 7) throw new TileError(`PLIO instruction ${code}`)
    if (code === 6 || code === 7) out[at++] = high
    if (code === 0 || code === 4 || code === 5) {
      const end = Math.min(at + number, out.length)
      if (code === 4) out.fill(high, at, end)
      if (code === 5 && end === at + number && number > 0) out[end - 1] = high
      at = end
    }
  }
}

/** The largest value that a line list holds here: its high part fills a signed 16-bit word. */
const LARGEST = 2 ** 24 - 1

/** Encodes pixels of 0 to 2^24 - 1 as a line list in the new form. */
export function encodePlio(pixels: ArrayLike<number>): Int16Array {
  const words = [0, 7, -100, 0, 0, 0, 0]
  let high = 1
  let zeros = 0
  for (let i = 0; i < pixels.length; ) {
    const value = pixels[i]
    if (value < 0 || value > LARGEST) throw new RangeError(`PLIO_1 holds pixels of 0 to ${LARGEST}, not ${value}`)
    let run = 1
    while (i + run < pixels.length && pixels[i + run] === value) run++
    i += run
    if (value === 0) {
      zeros = run
      continue
    }
    high = writeRun(words, value, run, zeros, high)
    zeros = 0
  }
  writeLong(words, zeros, 0)
  words[3] = words.length % 32768
  words[4] = Math.floor(words.length / 32768)
  return Int16Array.from(words)
}

/** A run of equal pixels after a run of zeros; returns the value that is now current. */
function writeRun(words: number[], value: number, run: number, zeros: number, high: number): number {
  const step = value - high
  if (Math.abs(step) > 4095) words.push((value & 4095) | 0x1000, value >> 12)
  else if (step !== 0) {
    words.push(step < 0 ? 0x3000 - step : 0x2000 + step)
    if (run === 1 && zeros === 0) {
      words[words.length - 1] |= 0x4000
      return value
    }
  }
  if (zeros > 0) {
    writeLong(words, zeros, 0)
    if (run === 1 && zeros % 4095 !== 0) {
      // Zeros that end in one pixel of the current value: one more pixel, another code.
      words[words.length - 1] += 0x5001
      return value
    }
  }
  writeLong(words, run, 0x4000)
  return value
}

function writeLong(words: number[], count: number, code: number): void {
  for (let left = count; left > 0; left -= 4095) words.push(Math.min(left, 4095) | code)
}

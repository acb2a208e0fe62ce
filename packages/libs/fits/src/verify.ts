import { allocate, scoped } from '@nightpipe/kernels'
import { addSums, onesSum, rotated } from './checksum.js'
import { FitsError } from './errors.js'
import { type FitsFile, type Hdu, storedHdu } from './hdu.js'
import { cardValue, textOf } from './header.js'
import { BLOCK } from './header-reader.js'

export type SumState = 'right' | 'wrong' | 'absent'

export interface HduSums {
  hdu: number
  /** CHECKSUM, over header and data. */
  checksum: SumState
  /** DATASUM, over the data. */
  datasum: SumState
}

/** Whether the bytes of each HDU are those that its sums were made of. */
export function verifySums(file: FitsFile): HduSums[] {
  return file.hdus.map((hdu) => {
    const { source, headerStart, dataStart, dataBytes, stored } = storedHdu(hdu)
    const end = Math.min(source.size, dataStart + Math.ceil(dataBytes / BLOCK) * BLOCK)
    const data = sumOf(source, dataStart, end)
    const whole = addSums(data, sumOf(source, headerStart, dataStart))
    const promised = textOf(stored, 'DATASUM')
    const checked = cardValue(stored, 'CHECKSUM')
    return {
      hdu: hdu.index,
      checksum:
        typeof checked !== 'string' || checked.trim() === '' ? 'absent' : state(whole === 0 || whole === 0xffffffff),
      // Both zeros of ones' complement arithmetic are zero.
      datasum: promised === undefined ? 'absent' : state(Number(promised) % 0xffffffff === data % 0xffffffff),
    }
  })
}

/** Sees all bytes of a file in their order, a piece at a time, which is good only during the call. */
export type Onlooker = (bytes: Uint8Array) => void

/**
 * Whether the data of an HDU are those that its DATASUM was made of; true when it has none. CHECKSUM is left alone: many
 * programs edit a header and do not renew it. 32 MB take 5 ms. With an `onlooker` the whole file is read.
 */
export function isWhole(hdu: Hdu, onlooker?: Onlooker): boolean {
  if (!onlooker && !Number.isFinite(promisedSum(hdu))) return true
  return watch(hdu, onlooker).end()
}

const promisedSum = (hdu: Hdu) => Number(textOf(storedHdu(hdu).stored, 'DATASUM') ?? Number.NaN)

/** A file that is summed while it is read. */
export interface Watch {
  /** To be shown the pixels as they are stored, from the first on and in their order; once more does no harm. Absent for tiles. */
  see?: Onlooker
  /**
   * The same for bytes of known sum (of words from the first of them on) that stand at `offset` of the data; what lies before
   * them and was not seen is read.
   */
  pass?(bytes: Uint8Array, offset: number, sum: number): void
  /** Reads what was not seen, to the end of the file when there is an onlooker; the verdict. */
  end(): boolean
}

function watch(hdu: Hdu, onlooker?: Onlooker): Watch {
  const { source, dataStart, dataBytes } = storedHdu(hdu)
  const end = Math.min(source.size, dataStart + Math.ceil(dataBytes / BLOCK) * BLOCK)
  let [at, sum] = [dataStart, 0]
  let begun = false
  const begin = () => {
    if (!begun && onlooker) sumOf(source, 0, dataStart, onlooker)
    begun = true
  }
  const add = (bytes: Uint8Array) => {
    begin()
    sum = addSums(sum, onesSum(bytes, at - dataStart))
    onlooker?.(bytes)
    at += bytes.length
  }
  const see = (bytes: Uint8Array) => {
    if (at < dataStart + dataBytes) add(bytes) // else they are read once more
  }
  const pass = (bytes: Uint8Array, offset: number, itsSum: number) => {
    readOn(source, at, dataStart + offset, add)
    begin()
    sum = addSums(sum, rotated(itsSum, offset))
    onlooker?.(bytes)
    at += bytes.length
  }
  return {
    ...(hdu.compressed ? {} : { see, pass }),
    end() {
      begin()
      readOn(source, at, end, add)
      if (onlooker) sumOf(source, end, source.size, onlooker)
      const promised = promisedSum(hdu)
      return !Number.isFinite(promised) || sum % 0xffffffff === promised % 0xffffffff
    },
  }
}

/**
 * Throws when data are damaged. A file that nightpipe wrote, and tiles, must agree with their DATASUM; elsewhere a sum is
 * often that of the image before it was cut or scaled, and false is returned: whoever reads it may warn.
 */
export function requireWhole(hdu: Hdu, onlooker?: Onlooker): boolean {
  return requireAgreement(hdu, isWhole(hdu, onlooker))
}

/** The same for an image whose pixels are being read anyhow. */
export function watchWhole(hdu: Hdu, onlooker?: Onlooker): Watch {
  const { end, ...whileRead } = watch(hdu, onlooker)
  return { ...whileRead, end: () => requireAgreement(hdu, end()) }
}

/** Whether `requireWhole` throws when the data do not agree with their DATASUM. */
export function mustBeWhole(hdu: Hdu): boolean {
  const primary = hdu.file.hdus[0]!
  return hdu.compressed || [hdu, primary].some(({ header }) => textOf(header, 'NP_CMD') !== undefined)
}

function requireAgreement(hdu: Hdu, whole: boolean): boolean {
  if (whole) return true
  if (!mustBeWhole(hdu)) return false
  const place = { file: hdu.file.name, hdu: hdu.index }
  throw new FitsError(place, 'the data do not agree with their DATASUM', 'the file is damaged: copy or make it again')
}

function state(right: boolean): SumState {
  return right ? 'right' : 'wrong'
}

type Bytes = { read(offset: number, into: Uint8Array): void }

function sumOf(source: Bytes, from: number, to: number, onlooker?: Onlooker): number {
  let sum = 0
  readOn(source, from, to, (part) => {
    sum = addSums(sum, onesSum(part))
    onlooker?.(part)
  })
  return sum
}

function readOn(source: Bytes, from: number, to: number, use: Onlooker): void {
  scoped(() => {
    const strip = allocate(Uint8Array, Math.max(0, Math.min(1 << 18, to - from)))
    for (let at = from; at < to; at += strip.length) {
      const part = strip.subarray(0, Math.min(strip.length, to - at))
      source.read(at, part)
      use(part)
    }
  })
}

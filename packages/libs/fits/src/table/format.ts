/** The letters of TFORM in binary tables. */
export type TypeCode = 'L' | 'X' | 'B' | 'I' | 'J' | 'K' | 'A' | 'E' | 'D' | 'C' | 'M'

export interface BinaryFormat {
  /** Elements per row as TFORM counts them: characters, bits, complex pairs. */
  repeat: number
  type: TypeCode
  /** Variable length: the row holds a pointer of two 32-bit (P) or 64-bit (Q) numbers. */
  pointer?: 'P' | 'Q'
  /** Of `rAw`: characters of each substring. */
  substring?: number
  /** Bytes in a row. */
  width: number
}

/** Bytes of one element; bits are counted apart. */
export const ELEMENT_BYTES = { L: 1, X: 1, B: 1, I: 2, J: 4, K: 8, A: 1, E: 4, D: 8, C: 8, M: 16 } as const

const FORMAT = /^(\d*)(?:([LXBIJKAEDCM])(.*)|([PQ])([LXBIJKAEDCM])(.*))$/

/** Reads a TFORM; undefined when it is not one. */
export function parseFormat(text: string): BinaryFormat | undefined {
  const match = FORMAT.exec(text.trim().toUpperCase())
  if (!match) return undefined
  const [, count, plain, rest, pointer, element] = match
  const repeat = count === '' ? 1 : Number(count)
  if (!Number.isSafeInteger(repeat) || repeat > 2 ** 40) return undefined
  if (pointer) {
    if (repeat > 1) return undefined
    const width = repeat * (pointer === 'P' ? 8 : 16)
    return { repeat, type: element as TypeCode, pointer: pointer as 'P' | 'Q', width }
  }
  const type = plain as TypeCode
  const substring = type === 'A' ? Number(/^\d+/.exec(rest ?? '')?.[0] ?? 0) : 0
  return { repeat, type, width: bytesOf(type, repeat), ...(substring > 0 && substring < repeat && { substring }) }
}

/** Bytes that `count` elements take; bits fill whole bytes. */
export function bytesOf(type: TypeCode, count: number): number {
  return type === 'X' ? Math.ceil(count / 8) : count * ELEMENT_BYTES[type]
}

/** TDIM: `(4,3)` as [4, 3]; undefined when it is not one. */
export function parseDim(text: unknown): number[] | undefined {
  const match = typeof text === 'string' ? /^\s*\(\s*(\d+(?:\s*,\s*\d+)*)\s*\)\s*$/.exec(text) : null
  return match ? match[1]!.split(',').map(Number) : undefined
}

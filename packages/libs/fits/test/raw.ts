/** Files made by hand, card by card: what our own writer would never write. */

export const minimal = [
  'SIMPLE  =                    T',
  'BITPIX  =                    8',
  'NAXIS   =                    0',
]

/** Header blocks of these cards, with END, filled to 2880 bytes. */
export function headerBlock(lines: readonly string[], end = true): Buffer {
  const text = [...lines, ...(end ? ['END'] : [])].map((line) => line.padEnd(80).slice(0, 80)).join('')
  return Buffer.from(text.padEnd(Math.ceil(text.length / 2880) * 2880), 'latin1')
}

/** Data filled with zeros to whole blocks. */
export function dataBlock(data: Uint8Array): Buffer {
  return Buffer.concat([data, Buffer.alloc((2880 - (data.length % 2880)) % 2880)])
}

export function fileOfLines(lines: readonly string[], data: Uint8Array = new Uint8Array(0)): Buffer {
  return Buffer.concat([headerBlock(lines), dataBlock(data)])
}

/** `KEY     =                value`, the value as text. */
export function line(keyword: string, value: string | number): string {
  return `${keyword.padEnd(8)}= ${String(value).padStart(20)}`
}

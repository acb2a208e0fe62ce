import { DataError } from '@nightpipe/files'
import type { VoField } from './votable.js'

/** Bytes of a value of each type. */
const SIZES: Readonly<Record<string, number>> = {
  boolean: 1,
  unsignedByte: 1,
  short: 2,
  int: 4,
  long: 8,
  char: 1,
  unicodeChar: 2,
  float: 4,
  double: 8,
  floatComplex: 8,
  doubleComplex: 16,
}

/** The rows of a BINARY stream, or of a BINARY2 one, which says before each row which cells have no value. */
export function readBinaryRows(bytes: Buffer, fields: readonly VoField[], masked: boolean, path: string): string[][] {
  const columns: string[][] = fields.map(() => [])
  const unknown = fields.find(({ datatype }) => datatype !== 'bit' && SIZES[datatype] === undefined)
  if (unknown) throw new DataError(`field ${unknown.name} of ${path} has the unknown type ${unknown.datatype}`)
  const maskBytes = masked ? Math.ceil(fields.length / 8) : 0
  let at = 0
  const need = (count: number): void => {
    if (count >= 0 && at + count <= bytes.length) return
    throw new DataError(`the stream of ${path} ends in the middle of row ${columns[0].length + 1}`, 'fetch it again')
  }
  while (at < bytes.length) {
    need(maskBytes)
    const mask = bytes.subarray(at, at + maskBytes)
    at += maskBytes
    for (const [k, field] of fields.entries()) {
      let count = field.count
      if (count === undefined) {
        need(4)
        count = bytes.readInt32BE(at)
        at += 4
      }
      const size = field.datatype === 'bit' ? Math.ceil(count / 8) : count * SIZES[field.datatype]
      need(size)
      const isNull = masked && ((mask[k >> 3] >> (7 - (k & 7))) & 1) === 1
      columns[k].push(isNull ? '' : cellText(bytes, at, size, field))
      at += size
    }
  }
  return columns
}

function cellText(bytes: Buffer, at: number, size: number, { datatype, array }: VoField): string {
  if (datatype === 'char')
    return bytes
      .toString('utf8', at, at + size)
      .replace(/\0[\s\S]*$/, '')
      .trim()
  if (datatype === 'unicodeChar') {
    return Buffer.from(bytes.subarray(at, at + size))
      .swap16()
      .toString('utf16le')
      .replace(/\0[\s\S]*$/, '')
      .trim()
  }
  if (array || size === 0) return ''
  switch (datatype) {
    case 'boolean':
      return /[T1t]/.test(String.fromCharCode(bytes[at]))
        ? 'true'
        : /[F0f]/.test(String.fromCharCode(bytes[at]))
          ? 'false'
          : ''
    case 'unsignedByte':
    case 'bit':
      return String(bytes[at])
    case 'short':
      return String(bytes.readInt16BE(at))
    case 'int':
      return String(bytes.readInt32BE(at))
    case 'long':
      return String(bytes.readBigInt64BE(at))
    case 'float':
      return numberText(bytes.readFloatBE(at))
    case 'double':
      return numberText(bytes.readDoubleBE(at))
    default:
      return '' // complex numbers are nothing that a star has
  }
}

const numberText = (value: number): string => (Number.isNaN(value) ? '' : String(value))

import { XmlError } from './error.js'

const MARKS: readonly [number[], string][] = [
  [[0xef, 0xbb, 0xbf], 'utf-8'],
  [[0xff, 0xfe], 'utf-16le'],
  [[0xfe, 0xff], 'utf-16be'],
]
const KNOWN: Readonly<Record<string, string>> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'us-ascii': 'utf-8',
  ascii: 'utf-8',
  'iso-8859-1': 'latin1',
  latin1: 'latin1',
  'utf-16': 'utf-16',
}

/** The text of a document in the encoding that its byte order mark or its declaration names; UTF-8 where neither does. */
export function decodeXml(bytes: Uint8Array): string {
  const [mark, marked] = MARKS.find(([sign]) => sign.every((byte, k) => bytes[k] === byte)) ?? [[]]
  const start = new TextDecoder('latin1').decode(bytes.subarray(mark.length, mark.length + 200))
  const said = /^<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']/.exec(start)?.[1]?.toLowerCase()
  const declared = said === undefined ? undefined : KNOWN[said]
  if (said !== undefined && declared === undefined)
    throw new XmlError(`encoding ${said} is not read (UTF-8 and UTF-16 are)`)
  if (declared === 'utf-16' && marked === undefined) throw new XmlError('UTF-16 is declared, and the bytes are not')
  if (marked === 'utf-8' && declared !== undefined && declared !== 'utf-8') {
    throw new XmlError(`the bytes are UTF-8, the declaration says ${said}`)
  }
  const body = bytes.subarray(mark.length)
  if (!marked && body.subarray(0, 1024).includes(0)) throw new XmlError('holds NUL bytes: it is not text')
  try {
    return new TextDecoder(marked ?? declared ?? 'utf-8', { fatal: true }).decode(body)
  } catch {
    throw new XmlError(`its bytes are not ${(marked ?? said ?? 'utf-8').toUpperCase()}`)
  }
}

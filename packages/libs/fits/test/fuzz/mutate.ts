import { gunzipSync, gzipSync } from 'node:zlib'

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

type Random = () => number
type Mutation = (bytes: Buffer, random: Random) => Buffer

const whole = (random: Random, below: number) => Math.floor(random() * below)
const pick = <T>(random: Random, from: readonly T[]): T => from[whole(random, from.length)]!

const HOSTILE = [
  ...[
    '0',
    '1',
    '-1',
    '2',
    '3',
    '7',
    '16',
    '255',
    '999',
    '1000',
    '32767',
    '65536',
    '99999999',
    '134217728',
    '268435456',
  ],
  ...['2147483647', '2147483648', '4294967295', '4294967296', '9007199254740991', '9007199254740993'],
  ...[
    '9223372036854775807',
    '18446744073709551616',
    '-9223372036854775808',
    '99999999999999999999999',
    '1E300',
    '-0.5',
  ],
  ...['1.5', '', 'T', 'F', "'nonsense'", "''", "'NaN'", 'NaN', '(1,2)', '-32', '-64', '8', '64', '1D400'],
]
const FORMS = [
  '1J',
  '0A',
  '999999999J',
  '1PE(9)',
  '1QD',
  'PX',
  'PA',
  '2PE(1)',
  '8X',
  '9223372036854775807D',
  'Z',
  '3L',
  '1C',
  'A5',
  'I4',
  'F8.2',
  'E99.9',
  '16A4',
  '1M',
  '7PB',
  '',
]
const KINDS = ['RICE_1', 'RICE_ONE', 'GZIP_1', 'GZIP_2', 'HCOMPRESS_1', 'PLIO_1', 'NOCOMPRESS', 'JPEG']
const WORDS = [
  'NO_DITHER',
  'SUBTRACTIVE_DITHER_1',
  'SUBTRACTIVE_DITHER_2',
  'NONE',
  'COMPRESSED_DATA',
  'ZSCALE',
  'BYTEPIX',
  'BLOCKSIZE',
  '(3,4)',
  '(999999999,999999999)',
  'BINTABLE',
  'IMAGE',
  'TABLE',
]

/** Offsets of the cards in the header blocks of a file, as far as they can be told. */
function cardOffsets(bytes: Buffer): number[] {
  const offsets: number[] = []
  for (let at = 0; at + 80 <= bytes.length; at += 80) {
    const text = bytes.toString('latin1', at, at + 10)
    if (/^[A-Z][A-Z0-9_-]* *= $/.test(text) || /^(END|COMMENT|CONTINUE|HIERARCH)/.test(text)) offsets.push(at)
  }
  return offsets
}

/** Gives a keyword that says how large or of what kind things are an impossible value. */
const absurdCard: Mutation = (bytes, random) => {
  const sizes =
    /^(NAXIS|BITPIX|PCOUNT|GCOUNT|TFIELDS|TFORM|THEAP|TBCOL|TDIM|TNULL|TSCAL|TZERO|TTYPE|Z[A-Z]+|BSCALE|BZERO|BLANK|GROUPS|XTENSION|SIMPLE|P[TSZ])/
  const cards = cardOffsets(bytes).filter((at) => sizes.test(bytes.toString('latin1', at, at + 8)))
  if (cards.length === 0) return bytes
  const at = pick(random, cards)
  const keyword = bytes.toString('latin1', at, at + 8)
  const quoted = (list: readonly string[]) => `'${pick(random, list)}'`
  const usual = keyword.startsWith('TFORM')
    ? quoted(FORMS)
    : keyword.startsWith('ZCMPTYPE')
      ? quoted(KINDS)
      : quoted(WORDS)
  const value = random() < 0.6 && /^(TFORM|ZCMP|ZQ|ZNAME|TDIM|TTYPE|XTEN)/.test(keyword) ? usual : pick(random, HOSTILE)
  bytes.write(`${keyword}= ${value.padStart(20)}`.padEnd(80).slice(0, 80), at, 'latin1')
  return bytes
}

/** The same large number in several cards of size, so that the lies agree with one another. */
const agreeingLies: Mutation = (bytes, random) => {
  const sizes = /^(Z?NAXIS\d|ZTILE\d|PCOUNT|GCOUNT|THEAP|ZVAL\d)/
  const cards = cardOffsets(bytes).filter((at) => sizes.test(bytes.toString('latin1', at, at + 8)))
  const value = pick(random, [
    '0',
    '1',
    '1024',
    '16384',
    '65536',
    '1048576',
    '99999999',
    '134217728',
    '268435456',
    '2147483647',
  ])
  for (const at of cards) if (random() < 0.4) bytes.write(`= ${value.padStart(20)}`, at + 8, 'latin1')
  return bytes
}

const truncate: Mutation = (bytes, random) => {
  const cut = whole(random, bytes.length)
  return bytes.subarray(0, random() < 0.3 ? cut - (cut % 2880) : cut)
}

const flipBytes: Mutation = (bytes, random) => {
  for (let k = 1 + whole(random, 20); k > 0; k--) bytes[whole(random, bytes.length)]! ^= 1 << whole(random, 8)
  return bytes
}

const overwrite: Mutation = (bytes, random) => {
  const at = whole(random, bytes.length)
  bytes.fill(whole(random, 256), at, Math.min(bytes.length, at + 1 + whole(random, 400)))
  return bytes
}

/** Numbers over the data: pointers into the heap, lengths, compressed streams. */
const wildNumbers: Mutation = (bytes, random) => {
  const from = 2880 * whole(random, Math.max(1, bytes.length / 2880))
  for (let k = 1 + whole(random, 12); k > 0; k--) {
    const at = from + 4 * whole(random, 60)
    if (at + 4 > bytes.length) continue
    bytes.writeInt32BE(
      pick(random, [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 65536, whole(random, 5000), whole(random, 2 ** 31)]),
      at,
    )
  }
  return bytes
}

const withoutEnd: Mutation = (bytes, random) => {
  const ends = cardOffsets(bytes).filter((at) => bytes.toString('latin1', at, at + 4) === 'END ')
  if (ends.length > 0) bytes.write('COMMENT ', pick(random, ends), 'latin1')
  return bytes
}

const moveCard: Mutation = (bytes, random) => {
  const cards = cardOffsets(bytes)
  if (cards.length < 2) return bytes
  const [from, to] = [pick(random, cards), pick(random, cards)]
  const card = Buffer.from(bytes.subarray(from, from + 80))
  if (random() < 0.5) bytes.copyWithin(from, to, to + 80)
  else bytes.fill(0x20, from, from + 80)
  card.copy(bytes, to)
  return bytes
}

const moveBlock: Mutation = (bytes, random) => {
  const blocks = Math.floor(bytes.length / 2880)
  if (blocks === 0) return bytes
  const at = 2880 * whole(random, blocks)
  const block = bytes.subarray(at, at + 2880)
  const rest = [bytes.subarray(0, at), bytes.subarray(at + 2880)] as const
  const kind = whole(random, 4)
  if (kind === 0) return Buffer.concat([rest[0], rest[1]])
  if (kind === 1) return Buffer.concat([rest[0], block, block, rest[1]])
  return Buffer.concat([rest[0], Buffer.alloc(2880, kind === 2 ? 0 : 0x20), block, rest[1]])
}

/** More and more comments where END should come. */
const endless: Mutation = (bytes, random) => {
  const ends = cardOffsets(bytes).filter((at) => bytes.toString('latin1', at, at + 4) === 'END ')
  if (ends.length === 0) return bytes
  const at = pick(random, ends)
  const text = pick(random, [
    'COMMENT and so on',
    "CONTINUE  'and so on &'",
    "LONG    = 'it begins &'",
    'NAXIS1  =  1',
    '',
    'ZZZ',
  ])
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(text.padEnd(80).repeat(whole(random, 40_000)), 'latin1')])
}

/** Inside a gzip, or around a plain file. */
const regzip: Mutation = (bytes, random) => {
  if (bytes[0] !== 0x1f) return random() < 0.3 ? gzipSync(bytes, { level: 1 }) : bytes
  try {
    return gzipSync(mutateOnce(Buffer.from(gunzipSync(bytes)), random), { level: 1 })
  } catch {
    return bytes
  }
}

const MUTATIONS = [
  ...[
    absurdCard,
    agreeingLies,
    absurdCard,
    agreeingLies,
    absurdCard,
    absurdCard,
    truncate,
    flipBytes,
    flipBytes,
    overwrite,
    wildNumbers,
    wildNumbers,
  ],
  ...[withoutEnd, moveCard, moveBlock, endless, regzip],
]

function mutateOnce(bytes: Buffer, random: Random): Buffer {
  return bytes.length === 0 ? bytes : pick(random, MUTATIONS)(bytes, random)
}

/** One to four mutations of a file; the original stays as it is. */
export function mutate(original: Uint8Array, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(original)
  const times = random() < 0.5 ? 1 : 1 + whole(random, 4)
  for (let k = 0; k < times; k++) bytes = mutateOnce(bytes, random)
  return bytes
}

import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { FitsError, type FitsFile, openFits, textOf, verifySums } from '@nightpipe/fits'
import { cardOf, checkProduct, type Descriptor, readDescriptorJson } from '@nightpipe/products'
import type { ProductFacts, Store } from '@nightpipe/store'
import { Refusal } from './refusal.js'

/** What a file says of itself, after it was held against its descriptor. Refuses what is not what it says. */
export async function examine(
  path: string,
  store: Store,
  programs: readonly string[],
): Promise<Omit<ProductFacts, 'name' | 'sha256' | 'size' | 'sender'>> {
  const file = open(path)
  try {
    const card = cardOf(file)
    if (card === undefined) throw new Refusal(422, 'the file has no CARD')
    const known = await store.card(card)
    if (!known) throw new Refusal(422, `no descriptor of ${card} is in the store`)
    const { descriptor } = readDescriptorJson(JSON.stringify(known.descriptor))
    if (!descriptor) throw new Refusal(500, `the descriptor of ${card} is damaged`)
    checkContent(file, descriptor, programs)
    return factsOf(file, descriptor)
  } catch (error) {
    if (error instanceof FitsError) throw new Refusal(422, `damaged FITS: ${error.message.replace(path, 'the file')}`)
    throw error
  } finally {
    file.close()
  }
}

/** Plain FITS only: of what is packed as a whole nobody knows how large it becomes. */
function open(path: string): FitsFile {
  if (!beginsAsFits(path)) throw new Refusal(415, 'not a FITS file')
  try {
    const file = openFits(path)
    const surplus = statSync(path).size - endOf(file)
    if (surplus <= 0) return file
    file.close()
    throw new Refusal(422, `${surplus} bytes follow the last HDU`)
  } catch (error) {
    if (!(error instanceof FitsError)) throw error
    throw new Refusal(422, `damaged FITS: ${error.message.replace(path, 'the file')}`)
  }
}

/** Where the last block of the last HDU ends. */
function endOf({ hdus }: FitsFile): number {
  const { dataStart, dataBytes } = hdus.at(-1)!
  return dataStart + 2880 * Math.ceil(dataBytes / 2880)
}

function beginsAsFits(path: string): boolean {
  const file = openSync(path, 'r')
  const head = Buffer.alloc(9)
  readSync(file, head, 0, 9, 0)
  closeSync(file)
  return head.toString('latin1') === 'SIMPLE  ='
}

function checkContent(file: FitsFile, descriptor: Descriptor, programs: readonly string[]): void {
  for (const { hdu, checksum, datasum } of verifySums(file))
    if (checksum === 'wrong' || datasum === 'wrong')
      throw new Refusal(422, `HDU ${hdu} is not what its sums were made of`)
  const differences = checkProduct(file, descriptor)
  if (differences.length > 0) {
    const told = differences
      .slice(0, 20)
      .map(
        ({ extension, name, kind, expected, found }) =>
          `${extension} ${name} ${kind}: ${expected} expected, ${found} found`,
      )
    throw new Refusal(422, `not a ${descriptor.card}: ${told.join('; ')}`)
  }
  const program = textOf(file.hdus[0]!.header, 'PROGRAM')
  const allowed = programs.length > 0 ? programs : descriptor.programs
  if (program !== undefined && allowed.length > 0 && !allowed.includes(program) && !allowed.includes('All'))
    throw new Refusal(422, `program ${program} is none of ${allowed.join(', ')}`)
}

function factsOf(file: FitsFile, descriptor: Descriptor) {
  const { header } = file.hdus[0]!
  const word = (key: string) => textOf(header, key)?.trim() || undefined
  const program = word('PROGRAM')
  const rule = descriptor.unicityRule[program ?? ''] ?? descriptor.unicityRule.All ?? []
  const missing = rule.filter((name) => word(name) === undefined)
  // Without its burst or observation a product could be told from no other.
  if (missing.length > 0)
    throw new Refusal(
      422,
      `${missing.join(', ')} ${missing.length > 1 ? 'have' : 'has'} no value: ${program} products are told apart by it`,
    )
  const keywords = Object.fromEntries(
    header.cards
      .filter(({ keyword }) => keyword !== '' && !/^(COMMENT|HISTORY|CONTINUE)$/.test(keyword))
      .map(({ keyword, value }) => [keyword, typeof value === 'bigint' ? String(value) : (value ?? null)]),
  )
  return {
    ...{ card: descriptor.card, burstId: word('BURST_ID'), obsId: word('OBS_ID'), program, dstream: word('DSTREAM') },
    instrument: word('INSTRUME'),
    unicity: JSON.stringify([program ?? '', ...rule.map((name) => word(name))]),
    keywords,
  }
}

import { createHash } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { relative } from 'node:path'
import { DataError, expandInputs, sha256OfFile } from '@nightpipe/files'
import { type FitsFile, openFits, textOf } from '@nightpipe/fits'
import { askStore } from '@nightpipe/products'

/** A product as one side has it. */
export interface Kept {
  /** what it is of: card, burst and observation */
  key: string
  name: string
  version: number
  sha256: string
  /** its headers, read when they are needed */
  headers(): Promise<Header[]>
}

/** The keywords of one HDU. */
export type Header = ReadonlyMap<string, string>

/** Says of what a product is a version: its card and what tells products of a card apart. */
const keyOf = (card: string, burst: string | undefined, observation: string | undefined, name: string) =>
  burst || observation ? [card, burst ?? '', observation ?? ''].join(' ').trim() : `${card} ${name}`.trim()

/** A folder of products, or a store by its URL. */
export const readSide = (place: string): Promise<Kept[]> =>
  /^https?:\/\//.test(place) ? fromStore(place) : fromFolder(place)

async function fromFolder(folder: string): Promise<Kept[]> {
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw new DataError(`no folder ${folder}`, 'a folder of products, or the URL of a store')
  return expandInputs([folder]).map(({ path }) => {
    const file = openFits(path)
    try {
      const { header } = file.hdus[0]!
      const word = (key: string) => textOf(header, key)?.trim() || undefined
      const name = relative(folder, path)
      return {
        key: keyOf(word('CARD') ?? '', word('BURST_ID'), word('GFT_OBID') ?? word('OBS_ID'), name),
        ...{ name, version: Number(word('MY_VERS') ?? 1), sha256: sha256OfFile(path) },
        headers: async () => withFile(openFits(path), headersOf),
      }
    } finally {
      file.close()
    }
  })
}

function withFile<T>(file: FitsFile, work: (file: FitsFile) => T): T {
  try {
    return work(file)
  } finally {
    file.close()
  }
}

const headersOf = (file: FitsFile): Header[] =>
  file.hdus.map(
    ({ header }) =>
      new Map(
        header.cards
          .filter(({ keyword }) => !/^(|COMMENT|HISTORY|CONTINUE)$/.test(keyword))
          .map(({ keyword, value }) => [keyword, String(value ?? '').trim()]),
      ),
  )

interface Found {
  columns: string[]
  rows: (string | number | null)[][]
}

async function fromStore(url: string): Promise<Kept[]> {
  const root = url.replace(/\/+$/, '')
  const found = (await ask(`${root}/search/result/products`)) as Found
  const at = (row: Found['rows'][number], name: string) => row[found.columns.indexOf(name)]
  return Promise.all(
    found.rows.map(async (row) => {
      const id = Number(at(row, 'id'))
      const { keywords } = (await ask(`${root}/export/v0/products/${id}`)) as { keywords: Record<string, unknown> }
      const word = (key: string) => (typeof keywords[key] === 'string' ? keywords[key].trim() : undefined) || undefined
      const name = String(at(row, 'name'))
      return {
        key: keyOf(String(at(row, 'card')), word('BURST_ID'), word('GFT_OBID') ?? word('OBS_ID'), name),
        ...{ name, version: Number(at(row, 'version')), sha256: String(at(row, 'sha256')) },
        headers: async () =>
          withFile(
            openFits(await download(`${root}/export/v0/products/${id}/file`, String(at(row, 'sha256')))),
            headersOf,
          ),
      }
    }),
  )
}

const asked = (url: string) => askStore(url, { key: process.env.NIGHTPIPE_STORE_KEY?.trim() })

async function ask(url: string): Promise<unknown> {
  return (await asked(url)).json()
}

async function download(url: string, sha256: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(await (await asked(url)).arrayBuffer())
  const got = createHash('sha256').update(bytes).digest('hex')
  if (got !== sha256)
    throw new DataError(`${url} gave other bytes than the store says it has`, 'its disk may be damaged')
  return bytes
}

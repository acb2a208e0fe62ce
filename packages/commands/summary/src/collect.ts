import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type ConfigOf, describeFrame, type InstrumentProfile } from '@nightpipe/config'
import { stemOf } from '@nightpipe/files'
import { cardLookup, type FitsFile, openFits, textOf } from '@nightpipe/fits'
import { parseDate } from '@nightpipe/sky'
import { parseCsv, textOfTable } from '@nightpipe/table'
import type { SummarySchema } from './schema.js'

type Kind = 'frame' | 'stack' | 'cat' | 'phot' | 'candidates' | 'difference' | 'table' | 'other'

/** A product of the stages before, by its header. */
export interface Product {
  path: string
  kind: Kind
  /** the command that made it */
  stage: string
  /** what the products of one frame have in common */
  stem: string
  filter: string
  object?: string
  mjd?: number
  exposure?: number
  t0?: number
  /** stem of the frame whose pixels it has, where it was aligned */
  grid?: string
}

/** What a page is made of. */
export interface Ask {
  paths: readonly string[]
  output: string
  config: ConfigOf<SummarySchema>
  profile: InstrumentProfile
}

/** Every input with what its header tells; what cannot be read becomes a warning. */
export function collect({ paths, profile, config }: Ask): {
  products: Product[]
  warnings: string[]
} {
  const warnings: string[] = []
  const products: Product[] = []
  for (const path of paths) {
    const name = basename(path)
    const stem = stemOf(name)
    if (/\.csv$/i.test(name)) {
      products.push({
        path,
        kind: 'table',
        stage: basename(dirname(path)),
        stem: name.replace(/\.csv$/i, ''),
        filter: '',
      })
      continue
    }
    let file: FitsFile | undefined
    try {
      file = openFits(path)
      const stage =
        file.hdus
          .slice(0, 2)
          .map((hdu) => textOf(hdu.header, 'NP_CMD'))
          .find(Boolean) ?? ''
      const image = file.hdus.find((hdu) => hdu.kind === 'image') ?? file.hdus[0]!
      const lookup = cardLookup(image)
      const [width = 1, height = 1] = image.axes
      const facts = describeFrame(lookup, profile, { width, height, name: path })
      const t0 = config.event.keywords.map((keyword) => momentOf(lookup(keyword))).find((mjd) => mjd !== undefined)
      const kind = kindOf(name, stage, image.kind === 'image')
      const own = stem.replace(/\.(cat|phot|diff|score|candidates|segm|net)$/, '')
      const { filter = '', object, mjd, exposureSeconds: exposure } = facts
      const reference = lookup('ALIGNREF')
      const grid = reference === undefined ? undefined : stemOf(String(reference))
      products.push({ path, kind, stage, stem: own, filter, object, mjd, exposure, t0, grid })
    } catch (error) {
      warnings.push(`${basename(path)}: ${(error as Error).message}`)
    } finally {
      file?.close()
    }
  }
  return { products: products.map((one) => withGrid(one, products)), warnings }
}

/** A stack has the pixels of the frames that it was made of. */
function withGrid(product: Product, products: readonly Product[]): Product {
  if (product.kind !== 'stack' || product.grid !== undefined) return product
  const aligned = products.find(({ grid, filter, object }) => {
    const same = object === undefined || product.object === undefined || object === product.object
    return grid !== undefined && filter === product.filter && same
  })
  return { ...product, grid: aligned?.grid }
}

/** A date, or a Modified Julian Date, as MJD. */
export function momentOf(value: unknown): number | undefined {
  if (value === undefined || value === '') return undefined
  const number = Number(value)
  if (Number.isFinite(number)) return number > 2_400_000 ? number - 2_400_000.5 : number > 30_000 ? number : undefined
  return parseDate(String(value))?.mjd
}

function kindOf(name: string, stage: string, image: boolean): Kind {
  const part = /\.(cat|phot|diff|score|candidates|segm|net)\.(fits|fz)/.exec(name)?.[1]
  if (part === 'diff') return 'difference'
  if (part === 'cat' || part === 'phot' || part === 'candidates') return part
  if (part !== undefined || !image) return 'other'
  if (stage === 'stacking') return 'stack'
  return ['reduction', 'astrometry', 'alignment', ''].includes(stage) ? 'frame' : 'other'
}

/** What lies beside a product and belongs to it, though its command printed another path. */
export function companionsOf(path: string): string[] {
  const candidates = path.replace(/\.(diff|score)\.(fits(\.fz)?)$/, '.candidates.$2')
  const curves = /\.phot\.fits/.test(path) ? tablesIn(dirname(path)) : []
  return [...(candidates === path ? [] : [candidates]), ...curves].filter((one) => existsSync(one))
}

const tablesIn = (folder: string) =>
  readdirSync(folder)
    .filter((name) => /\.csv$/i.test(name) && !name.startsWith('.'))
    .map((name) => join(folder, name))

/** A report of a command beside its products, as records by the stem of the input. */
export function reportOf(folder: string, stage: string): Map<string, Record<string, string>> {
  const path = join(folder, `${stage}.csv`)
  const [head = [], ...lines] = parseCsv(textOfTable(path) ?? '', path).map(({ cells }) => cells)
  const records = lines.map((cells) => Object.fromEntries(head.map((name, k) => [name, cells[k] ?? ''])))
  return new Map(records.map((record) => [stemOf(record.input ?? ''), record]))
}

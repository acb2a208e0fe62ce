import { DataError } from '@nightpipe/files'
import { column, openFits, readTable, textOf } from '@nightpipe/fits'
import { PROVENANCE, productHeader } from './digest.js'
import type { ParentRecord } from './provenance.js'

/** What a product says of its own making. */
export interface Provenance {
  command: string
  version: string
  /** digest of `configText` */
  configDigest: string
  /** the identity of the product: what it was made of, by what, and how */
  id: string
  /** the configuration in force, as an INI: what `reproduce` runs with */
  configText: string
  parents: ParentRecord[]
}

const unescaped = (line: string) =>
  line.replace(/\\(\\|u[0-9a-f]{4})/g, (_, code: string) =>
    code === '\\' ? '\\' : String.fromCharCode(Number.parseInt(code.slice(1), 16)),
  )

/** What a product says of its own making; a clear error when it is not one of ours. */
export function readProvenance(path: string): Provenance {
  const header = productHeader(path)
  const file = openFits(path)
  try {
    const table = file.hdus.find((hdu) => hdu.name === PROVENANCE && hdu.kind === 'table')
    if (!header || !table)
      throw new DataError(`${path} is not a product of nightpipe`, 'it has no NP_ID and PROVENANCE')
    const rows = readTable(table)
    const texts = (name: string) => ((column(rows, name)?.values ?? []) as string[]).map(unescaped)
    const [files, ids, kinds, roles, given, config] = ['FILE', 'ID', 'KIND', 'ROLE', 'GIVEN', 'CONFIG'].map(
      texts,
    ) as string[][]
    const records = kinds!.map((kind, k) => ({
      file: files![k]!,
      id: ids![k]!,
      kind,
      role: roles![k]!,
      given: given![k] === 'input',
    }))
    const lines = config!.filter((_, k) => kinds![k] === 'config')
    return {
      command: textOf(header, 'NP_CMD') ?? '',
      version: textOf(header, 'NP_VER') ?? '',
      configDigest: textOf(header, 'NP_CFG') ?? '',
      id: textOf(header, 'NP_ID') ?? '',
      configText: lines.map((line) => `${line}\n`).join(''),
      parents: records.filter((record) => record.kind !== 'config') as ParentRecord[],
    }
  } finally {
    file.close()
  }
}

/**
 * The command that made it, where it is a product of ours without an image: what lies in a folder beside frames, as the
 * tables of transformations beside aligned ones, is no frame that failed.
 */
export function tableMadeBy(path: string): string | undefined {
  const file = openFits(path)
  try {
    const hasImage = file.hdus.some(({ kind, axes }) => kind === 'image' && axes.length >= 2)
    return hasImage ? undefined : textOf(file.hdus[0]!.header, 'NP_CMD')
  } finally {
    file.close()
  }
}

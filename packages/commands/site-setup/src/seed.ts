import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { RawFrame } from '@nightpipe/chain'
import { ConfigError } from '@nightpipe/command'
import { describeFrame, type InstrumentProfile, profileFolder } from '@nightpipe/config'
import { writeAtomically } from '@nightpipe/files'
import { cardLookup, imageHdu, openFits } from '@nightpipe/fits'
import {
  ccdOf,
  ccdsTable,
  inTree,
  makeTree,
  type SpectrographRow,
  spectrographsTable,
  TREE_TABLES,
  type Tree,
} from '@nightpipe/spectrographs'
import { type Cell, formatCsv, readTable, upsertRows } from '@nightpipe/table'

/** The folders of the tree, and tables that hold nothing yet; what is there stays. */
export function makeFolders(tree: Tree): string {
  makeTree(tree)
  mkdirSync(inTree(tree, 'temp', 'lists'), { recursive: true })
  const made = TREE_TABLES.filter(({ name }) => !existsSync(inTree(tree, 'csv', name)))
  for (const { name, columns } of made)
    writeAtomically(inTree(tree, 'csv', name), formatCsv([columns.map((one) => one.name)]))
  return made.length ? `${made.length} tables begun` : 'the tables are there'
}

/** The tree remembers its profile, so that no later call has to name it. */
export function rememberProfile(tree: Tree, profile: InstrumentProfile): void {
  const path = inTree(tree, 'config', 'tree.ini')
  if (!existsSync(path))
    writeAtomically(path, `# what the frames of this spectrograph are\n[instrument]\nprofile = ${profile.reference}\n`)
}

/** The rows of the detector and of the spectrograph, where there are none. */
export async function seedTables(tree: Tree, profile: InstrumentProfile, frames: readonly RawFrame[]): Promise<string> {
  const said: string[] = []
  const first = frames.find((frame) => frame.camera !== undefined && frame.problem === undefined)
  const camera = tree.camera || first?.camera
  if (!camera) throw new ConfigError('no frame says its camera', 'give --camera')
  if (!ccdOf(tree, camera) && first) {
    await upsertRows(inTree(tree, 'csv', ccdsTable.name), ccdsTable, [detectorOf(first.path, camera, profile)])
    said.push(`${camera} entered in ccds.csv from the header of ${first.name}`)
  }
  const row = await seedSpectrograph(tree, profile)
  if (row) said.push(row)
  return said.join('; ') || 'detector and spectrograph are in the tables'
}

function detectorOf(path: string, camera: string, profile: InstrumentProfile) {
  const file = openFits(path)
  try {
    const hdu = imageHdu(file)
    const [width, height] = hdu.axes as [number, number]
    const { data, gain, readNoise } = describeFrame(cardLookup(hdu), profile, { width, height, name: path })
    const [nx, ny] = [data.x1 - data.x0, data.y1 - data.y0]
    return { camera, nx, ny, datsegmin: 0, datsegmax: nx - 1, gain, rdnois: readNoise, pixsiz: undefined }
  } finally {
    file.close()
  }
}

/** A first guess of the wavelength model: of this site, or of another of the same instrument; none where none is shipped. */
async function seedSpectrograph(tree: Tree, profile: InstrumentProfile): Promise<string | undefined> {
  const path = inTree(tree, 'csv', spectrographsTable.name)
  const same = (site: string) => site.trim().toLowerCase() === tree.site.toLowerCase()
  if (readTable(path, spectrographsTable, { orEmpty: true }).some((row) => same(row.Site))) return undefined
  const shipped = join(dirname(profileFolder() ?? '.'), 'spectrographs', `${profile.name}.csv`)
  if (!existsSync(shipped)) return `spectrographs.csv has no row: wavelengths start from the profile ${profile.name}`
  const rows = readTable(shipped, spectrographsTable) as SpectrographRow[]
  const own = rows.filter((row) => same(row.Site))
  const taken = own.length ? own : rows.slice(0, 1).map((row) => ({ ...row, Site: tree.site, MJD: 0 }))
  await upsertRows(path, spectrographsTable, taken as Record<string, Cell>[] as never)
  return own.length
    ? `first guess of ${tree.site} entered in spectrographs.csv`
    : `first guess of ${rows[0]!.Site} taken for ${tree.site}`
}

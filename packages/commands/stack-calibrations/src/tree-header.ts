import { basename } from 'node:path'
import type { InstrumentProfile } from '@nightpipe/config'
import {
  type CardValue,
  copyHeader,
  findCard,
  type Header,
  imageHdu,
  openFits,
  removeCard,
  setCard,
  textOf,
} from '@nightpipe/fits'
import type { Tree } from '@nightpipe/spectrographs'
import { type MasterFacts, masterCards } from './master-header.js'

export type NewCard = [string, CardValue, string]

/** Cards by which masters of images are known, and that mean something else in the tree of a spectrograph. */
const NOT_IN_TREE = ['IMAGETYP', 'INSTRUME', 'CAMERA', 'TELESCOP', 'SITEID', 'FILTER', 'DATE-OBS', 'MJD-OBS']

/** What is measured on a master bias or dark of a tree. */
export const treeCards = (facts: MasterFacts): NewCard[] => [
  ...masterCards(facts).filter(([keyword]) => !NOT_IN_TREE.includes(keyword)),
  ['NFRAVGD', facts.frames, 'frames averaged'],
]

/** Of raw frames only, or made anew. */
const STALE =
  /^(CCDSEC|DETSEC|AMPSEC|DATAMIN|DATAMAX|NP_\w+|EXT(NAME|VER|LEVEL)|INHERIT|CHECKSUM|DATASUM|OS(LEVEL|NOIS)\d?|NSAT|NCOSMIC|SKY(LEV|SIG)|\w+(FILE|AGE)|IMCOM\d+)$/

/** The header of a product that is made of several frames: that of the last, or of another, and their names. */
export function headerOfMany(
  paths: readonly string[],
  tree: Tree,
  kind: string,
  profile: InstrumentProfile,
  like = paths.at(-1)!,
): Header {
  const header = headerOf(like)
  const { keywords } = profile.values
  const facts = ['data section', 'overscan section', 'gain', 'read noise', 'saturation'] as const
  for (const name of facts.flatMap((fact) => keywords[fact])) removeCard(header, name)
  const day = textOf(header, 'DAY-OBS')?.replaceAll('-', '')
  const camera = textOf(header, 'INSTRUME') ?? tree.camera
  const set = (keyword: string, value: CardValue, comment: string) => setCard(header, keyword, value, comment)
  set('NFRAVGD', paths.length, 'frames averaged')
  set('RLEVEL', 91, 'reduction level')
  set(
    'OUTNAME',
    [kind.toLowerCase(), tree.site, tree.instrument, camera, day].filter(Boolean).join('_'),
    'archive name',
  )
  const date = findCard(header, 'DATE-OBS')?.value
  if (date !== undefined) set('L1PUBDAT', date, 'calibrations are public at once')
  for (const [k, path] of paths.entries()) {
    if (k < 999) set(`IMCOM${String(k + 1).padStart(3, '0')}`, basename(path), 'frame that it is made of')
  }
  return header
}

/** The cards of a frame; of an image in an extension those of the primary HDU come first. */
function headerOf(path: string): Header {
  const file = openFits(path)
  try {
    const header = copyHeader(file.hdus[0]!.header)
    // spectra of an exposure are a table: all is said in the first header
    const image = file.hdus.some(({ kind }) => kind === 'image') ? imageHdu(file) : undefined
    if (image && image.index > 0) {
      for (const { keyword, value, comment } of image.header.cards) {
        if (!/^(COMMENT|HISTORY|)$/.test(keyword)) setCard(header, keyword, value, comment)
      }
    }
    return { cards: header.cards.filter(({ keyword }) => !STALE.test(keyword)) }
  } finally {
    file.close()
  }
}

/** The header of a master bias or dark of a tree, or of an image of flats, which is dated by its first frame. */
export function treeMasterHeader(facts: MasterFacts, paths: readonly string[], tree: Tree, profile: InstrumentProfile) {
  const header =
    facts.type === 'lamp'
      ? headerOfMany(paths, tree, 'flat', profile, paths[0])
      : headerOfMany(paths, tree, facts.type, profile)
  for (const [keyword, value, comment] of treeCards(facts)) setCard(header, keyword, value, comment)
  return header
}

import { type CardValue, copyHeader, type Header, imageHdu, openFits, setCard } from '@nightpipe/fits'
import type { FrameInfo } from './frames.js'
import type { Grid } from './grid.js'
import type { Transform } from './transforms-table.js'

const COORDINATES =
  /^(WCSAXES|WCSNAME|WCSSEED|C(TYPE|UNIT|RPIX|RVAL|DELT|ROTA|RDER|SYER)\d+|(CD|PC|PV|PS)\d+_\d+|LONPOLE|LATPOLE|(A|B|AP|BP)_(ORDER|DMAX|\d_\d)|WAT\d_\d+|RADESYS|RADECSYS|EQUINOX|EPOCH)$/
/** Of layers that a product does not inherit. */
const LAYOUT =
  /^(EXTNAME|EXTVER|EXTLEVEL|INHERIT|DATASUM|CHECKSUM|NP_(CMD|VER|CFG|ID)|BSCALE|BZERO|BLANK|DATAMIN|DATAMAX|(TRIM|DATA|BIAS|CCD|DET|AMP)SEC\d*)$/
/** Keywords that may stand in a header more than once. */
const REPEATED = /^(COMMENT|HISTORY|CONTINUE|HIERARCH|)$/

/** The cards of a file: those of its primary HDU, and over them those of its image. */
export function cardsOf(path: string): Header {
  const file = openFits(path)
  try {
    const image = imageHdu(file)
    const header = copyHeader(file.hdus[0]!.header)
    if (image.index > 0) {
      for (const { keyword, value, comment } of image.header.cards) {
        if (REPEATED.test(keyword)) header.cards.push({ keyword, value, comment })
        else setCard(header, keyword, value, comment)
      }
    }
    return header
  } finally {
    file.close()
  }
}

interface About {
  frame: FrameInfo
  reference: FrameInfo
  grid: Grid
  row: Transform
  name: string
  method: string
}

export const digits = (value: number) => Number(value.toPrecision(7))

/** Keyword of the noise factor, which is found while the pixels are made: until then it stands at 1. */
export const NOISE_FACTOR = 'NOISEFAC'

/** The header of an aligned frame: its own, with the coordinates of the reference and what was found. */
export function alignedHeader({ frame, reference, grid, row, name, method }: About): Header {
  const header = cardsOf(frame.path)
  const seen = new Set<string>()
  const kept = header.cards.filter(({ keyword }) => {
    if (REPEATED.test(keyword)) return true
    if (seen.has(keyword) || COORDINATES.test(keyword) || LAYOUT.test(keyword)) return false
    seen.add(keyword)
    return true
  })
  header.cards.splice(0, header.cards.length, ...kept)
  for (const card of coordinatesOf(reference, grid)) setCard(header, card[0], card[1], card[2])
  const set = (keyword: string, value: CardValue, comment: string) => setCard(header, keyword, value, comment)
  if (!header.cards.some(({ keyword }) => keyword === 'BUNIT')) set('BUNIT', 'adu', 'unit of the pixels')
  set('ALIGNREF', name, 'frame on which it is aligned')
  set('ALIGNMOD', row.model, 'how it differs from that')
  set('ALIGNNUM', row.matched, 'stars in common with it')
  if (Number.isFinite(row.rms)) set('ALIGNRMS', digits(row.rms), '[pix] rms distance of the stars')
  set('RESAMPLE', method, 'interpolation')
  set(NOISE_FACTOR, 1, 'noise of large sums over that of ERR')
  set('GRIDX0', grid.x0, 'first pixel on the grid of the reference')
  set('GRIDY0', grid.y0, 'first pixel on the grid of the reference')
  if (Number.isFinite(row.seeing)) set('SEEING', digits(row.seeing), '[pix] full width at half maximum of stars')
  return header
}

/** The plate solution of the reference, moved with the grid; nothing where it has none. */
function coordinatesOf(reference: FrameInfo, { x0, y0 }: Grid): [string, CardValue, string][] {
  const { cards } = cardsOf(reference.path)
  // WCSAXES must come before all others, and says nothing that they do not
  const own = cards.filter(({ keyword }) => COORDINATES.test(keyword) && keyword !== 'WCSAXES')
  const named = new Set(own.map(({ keyword }) => keyword))
  if (!named.has('CTYPE1') || !named.has('CTYPE2')) return []
  return own.map(({ keyword, value, comment }) => {
    const shift = keyword === 'CRPIX1' ? x0 : keyword === 'CRPIX2' ? y0 : 0
    return [keyword, typeof value === 'number' && shift !== 0 ? value - shift : value, comment]
  })
}

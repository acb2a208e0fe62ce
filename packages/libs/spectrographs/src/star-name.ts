import { type FitsFile, textOf } from '@nightpipe/fits'
import { lightOf, starFibres } from './fibres.js'

/** What a header says of the fibres of a frame. */
export interface SaidOfFibres {
  /** OBJECTS, word by word; undefined for a spectrograph of one light path */
  fibres?: readonly string[] | undefined
  /** the object of the whole frame */
  object?: string | undefined
  /** fibre of the lamp: stars on either side of it belong to the telescopes 1 and 2 */
  arcFibre?: number | undefined
}

/** Words that say that a fibre sees a star, and not which. */
const ANY_STAR = /^(star\d*|object|target|sky)$/i
const NO_NAME = /^(n\/a|none|unknown|unspecified|nan)?$/i

/**
 * The star that a fibre sees: its word in OBJECTS; where that only says that it is one, what its telescope calls it, or OBJECT where no
 * other fibre sees a star; else the word.
 */
export function starName(file: FitsFile, fibre: number, said: SaidOfFibres): string {
  const { fibres, object = '', arcFibre = 1 } = said
  const word = fibres?.[fibre]?.trim() ?? ''
  if (word === '' || word === 'none') return object
  if (!ANY_STAR.test(word)) return word
  const telescope = file.hdus.find(({ name }) => name === `TELESCOPE_${fibre <= arcFibre ? 1 : 2}`)
  const alone = starFibres(fibres!).length === 1
  const names = [telescope && textOf(telescope.header, 'OBJECT')]
  if (alone) names.push(textOf(file.hdus[0]!.header, 'OBJECT'), object)
  return names.find((name) => name !== undefined && isStarName(name))?.trim() ?? word
}

/** Lists of what all fibres see are no names. */
const isStarName = (name: string) =>
  !name.includes('&') && !NO_NAME.test(name.trim()) && !ANY_STAR.test(name.trim()) && lightOf(name) === 'star'

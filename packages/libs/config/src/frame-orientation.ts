import type { InstrumentProfile } from './profile.js'
import { asNumber, type Reader } from './reader.js'

export type Orientation = InstrumentProfile['values']['orientation']['default']

/** The turn of this frame, and whether it changed during the exposure. */
export function frameOrientation(reader: Reader): { orientation: Orientation; unfit?: string } {
  const said = reader.profile.values.orientation
  const start = said.keyword ? reader.value(said.keyword) : undefined
  if (start === undefined) return { orientation: said.default }
  reader.credit('orientation', said.keyword)
  const end = said['end keyword'] ? reader.value(said['end keyword']) : undefined
  const same = end === undefined || sameValue(start, end)
  const unfit = same
    ? undefined
    : `${said.keyword} = ${start} but ${said['end keyword']} = ${end}: turned during the exposure`
  const turns = said.values.map((pair) => pair.split(':').map((word) => word.trim()))
  const turn = turns.find(([value]) => sameValue(start, value))?.[1] as Orientation | undefined
  if (turn === undefined) reader.note(`${said.keyword} = ${start} has no turn in the profile`)
  return { orientation: turn ?? said.default, unfit }
}

function sameValue(a: string | number | boolean, b: string | number | boolean): boolean {
  const [x, y] = [asNumber(a), asNumber(b)]
  return x !== undefined && y !== undefined ? Math.abs(x - y) < 0.5 : String(a) === String(b)
}

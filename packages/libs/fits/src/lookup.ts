import type { Hdu } from './hdu.js'
import { type CardValue, type Header, normalKeyword } from './header.js'

/**
 * Looks keywords up for an image: in its own header, then in the primary one where that holds no image itself (the
 * exposure time of a multi-extension file stands there). Quick for many keywords of a long header.
 */
export function cardLookup(hdu: Hdu): (keyword: string) => CardValue {
  const values = new Map<string, CardValue>()
  const add = ({ cards }: Header) => {
    for (const { keyword, value } of cards) if (!values.has(keyword)) values.set(keyword, value)
  }
  add(hdu.header)
  const [primary] = hdu.file.hdus
  if (primary && primary !== hdu && primary.kind === 'empty') add(primary.header)
  return (keyword) => values.get(normalKeyword(keyword))
}

import { basename } from 'node:path'
import { type ConfigInForce, profileRecogniser, type Schema } from '@nightpipe/config'
import type { InputFile } from '@nightpipe/files'
import { cardLookup, openFits } from '@nightpipe/fits'

/** A shipped profile that nobody named, and what spoke for it. */
export interface Recognised {
  name: string
  origin: string
}

/** Nobody has named an instrument profile: neither a flag nor the INI, nor the tree of a spectrograph. */
export const namesNoProfile = (config: ConfigInForce<Schema>) => config.origin('instrument', 'profile') === 'default'

/** The shipped profile that knows the header of the first input that has one; undefined where none does. */
export function recognised(inputs: readonly InputFile[]): Recognised | undefined {
  const recognise = profileRecogniser()
  for (const { path } of inputs) {
    const lookups = headersOf(path)
    if (!lookups) continue // what is wrong with it, its own row will say
    const name = lookups.map((lookup) => recognise(lookup)).find((found) => found !== undefined)
    return name === undefined ? undefined : { name, origin: `the header of ${basename(path)}` }
  }
  return undefined
}

/** The headers of a file: where the first says nothing of the instrument, that of an image behind it does. */
function headersOf(path: string) {
  try {
    const file = openFits(path)
    try {
      return file.hdus.map((hdu) => cardLookup(hdu))
    } finally {
      file.close()
    }
  } catch {
    return undefined
  }
}

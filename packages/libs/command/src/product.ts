import { atomicTarget } from '@nightpipe/files'
import {
  copyHeader,
  createFits,
  createHeader,
  type FitsWriter,
  type Hdu,
  type Header,
  type NewHdu,
  openFits,
  readPixels,
  readPixels64,
  setCard,
  writeFits,
} from '@nightpipe/fits'
import { productCards, productId, provenanceTable, recordsOf } from './provenance.js'
import type { Context, Parent } from './types.js'

/** The name under which a product is written: `.fits.fz` when images are compressed. */
export const productPath = (path: string, { compress }: Pick<Context, 'compress'>) =>
  compress && /\.fits$/.test(path) ? `${path}.fz` : path

/**
 * Writes a product: stamped with who made it, from what and how, compressed if the run is asked to, whole or not at all.
 * `parents` are those of the job. Returns the path that it has in the end.
 */
export function writeProduct(
  path: string,
  hdus: readonly NewHdu[],
  context: Context,
  parents: readonly Parent[],
): string {
  const target = productPath(path, context)
  const records = recordsOf(parents)
  const stamped = stamp(hdus, context, productId(target, records, context))
  writeFits(target, [...stamped.map((hdu) => compressed(hdu, context)), provenanceTable(records, context)])
  return target
}

/** A product whose pixels come by strips, from one thread or several (`writer.plan` goes to the tasks). */
export interface ProductWriter {
  writer: FitsWriter
  /** Stamps, appends `extra` HDUs and the provenance, and gives the file its name, which is returned. */
  finish(parents: readonly Parent[], extra?: readonly NewHdu[]): string
  discard(): void
}

const PENDING = '0'.repeat(32)

export function startProduct(path: string, hdus: readonly NewHdu[], context: Context): ProductWriter {
  if (context.compress) return startCompressed(productPath(path, context), hdus, context)
  const writer = createFits(path, stamp(hdus, context, PENDING))
  return {
    writer,
    finish(parents, extra = []) {
      const records = recordsOf(parents)
      writer.setCard(0, 'NP_ID', productId(path, records, context))
      writer.finish([...extra, provenanceTable(records, context)])
      return path
    },
    discard: () => writer.discard(),
  }
}

/**
 * The length of a compressed tile is known when it is compressed, so strips cannot go to their place in any order: they
 * are collected in a plain file beside the target, which is compressed as a whole at the end.
 */
function startCompressed(target: string, hdus: readonly NewHdu[], context: Context): ProductWriter {
  const plain = atomicTarget(target)
  const writer = createFits(plain.partial, hdus)
  const discard = () => {
    writer.discard()
    plain.discard()
  }
  return {
    writer,
    finish(parents, extra = []) {
      try {
        writer.finish()
        const file = openFits(plain.partial)
        const before = file.hdus.length - hdus.length // an empty primary may stand before a table
        const whole = hdus.map((hdu, k) => complete(hdu, file.hdus[k + before]!))
        file.close()
        return writeProduct(target, [...whole, ...extra], context, parents)
      } finally {
        discard()
      }
    },
    discard,
  }
}

/** With the pixels and the cards that came by and by. */
function complete(hdu: NewHdu, stored: Hdu): NewHdu {
  const { header } = stored
  if (hdu.kind !== 'image') return { ...hdu, header }
  return { ...hdu, header, pixels: hdu.bitpix === -32 ? readPixels(stored) : readPixels64(stored) }
}

/** The same HDUs, the first one with our cards; the headers of the caller stay as they are. */
function stamp(hdus: readonly NewHdu[], context: Context, id: string): NewHdu[] {
  const [first = { kind: 'empty' } as NewHdu, ...others] = hdus
  const header: Header = first.header ? copyHeader(first.header) : createHeader()
  for (const [keyword, value, comment] of productCards(context, id)) setCard(header, keyword, value, comment)
  return [{ ...first, header }, ...others]
}

/** Integers are compressed without loss, and so are floats when no quantising is asked for. */
function compressed(hdu: NewHdu, { compress }: Context): NewHdu {
  if (!compress || hdu.kind !== 'image' || hdu.compress) return hdu
  const float = hdu.bitpix < 0
  if (float && !compress.quantize) return { ...hdu, compress: { type: 'GZIP_2' } }
  return { ...hdu, compress: float ? compress : { type: compress.type } }
}

import {
  copyHeader,
  createFits,
  createHeader,
  type FitsWriter,
  type Header,
  type NewHdu,
  setCard,
  writeFits,
  writeFitsBehind,
} from '@nightpipe/fits'
import { productCards, productId, provenanceTable, recordsOf } from './provenance.js'
import { tidyHeader } from './tidy-header.js'
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
  writeFits(target, allOf(target, hdus, context, parents))
  return target
}

/**
 * The same without waiting for the disk: what it is made of may be given up at once, and the product is there when `done`
 * is kept. For jobs of commands that `overlap`.
 */
export function writeProductBehind(
  path: string,
  hdus: readonly NewHdu[],
  context: Context,
  parents: readonly Parent[],
): { target: string; done: Promise<void> } {
  const target = productPath(path, context)
  return { target, done: writeFitsBehind(target, allOf(target, hdus, context, parents)) }
}

/** The HDUs of a product as they are written. */
function allOf(target: string, hdus: readonly NewHdu[], context: Context, parents: readonly Parent[]): NewHdu[] {
  const records = recordsOf(parents)
  const stamped = stamp(hdus, context, productId(target, records, context))
  return [...stamped.map((hdu) => compressed(hdu, context)), provenanceTable(records, context)]
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
  const target = productPath(path, context)
  const packed = (all: readonly NewHdu[]) => all.map((hdu) => compressed(hdu, context))
  const writer = createFits(target, packed(stamp(hdus, context, PENDING)))
  return {
    writer,
    finish(parents, extra = []) {
      const records = recordsOf(parents)
      writer.setCard(0, 'NP_ID', productId(target, records, context))
      writer.finish([...packed(extra), provenanceTable(records, context)])
      return target
    },
    discard: () => writer.discard(),
  }
}

/** The same HDUs, the first one with our cards; the headers of the caller stay as they are. */
function stamp(hdus: readonly NewHdu[], context: Context, id: string): NewHdu[] {
  const [first = { kind: 'empty' } as NewHdu, ...others] = hdus
  const header: Header = first.header ? copyHeader(first.header) : createHeader()
  tidyHeader(header, first.kind === 'image')
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

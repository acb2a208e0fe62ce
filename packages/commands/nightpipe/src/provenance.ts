import { type Provenance, productHeader, readProvenance } from '@nightpipe/command'

/** What one of our products says of its making; undefined for any other file. */
export function provenanceOf(path: string): Provenance | undefined {
  return productHeader(path) ? readProvenance(path) : undefined
}

import { DataError } from '@nightpipe/command'
import { addHistory, createHeader, type NewHdu, setCard } from '@nightpipe/fits'

const FORM = /^(\w+):(\d+):([0-9a-f]{64})$/i

/** Writes into the first header which version of the product this one takes the place of, where [product] replaces names one. */
export function tellReplaced(
  hdu: NewHdu,
  card: string,
  { replaces, processing }: { replaces: readonly string[]; processing: number },
): void {
  const all = replaces.map((said) => {
    const [, name, version, sha256] = FORM.exec(said) ?? []
    if (!name) throw new DataError(`[product] replaces: '${said}' is not CARD:VERSION:SHA-256`)
    return { name, version, sha256: sha256!.toLowerCase() }
  })
  const before = all.find(({ name }) => name === card)
  if (!before) return
  hdu.header ??= createHeader()
  // The digest fills the card: there is no room for a comment.
  setCard(hdu.header, 'NP_REPL', before.sha256)
  addHistory(hdu.header, `Version ${processing}: replaces version ${before.version}, whose SHA-256 is NP_REPL`)
}

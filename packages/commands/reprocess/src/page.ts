import type { ConfigChange } from './config-changes.js'
import type { Difference } from './differences.js'
import type { BurstFacts, OldProduct } from './old-products.js'
import { linkTo, STYLE, safe, table } from './page-parts.js'
import { lightTable, productTable, shapeTable } from './page-tables.js'
import type { Picture } from './pictures.js'

/** What the page shows. */
export interface Shown {
  facts: BurstFacts
  store: string
  old: readonly OldProduct[]
  counts: Record<Difference['state'], number>
  differences: readonly Difference[]
  pictures: readonly Picture[]
  /** undefined where no earlier pipeline is known */
  changes?: readonly ConfigChange[]
  /** finding charts of the new products */
  charts: readonly string[]
}

/** The report as a page to look at: what changed, by how much, and the images; on a phone too. It needs no network. */
export function page(shown: Shown): string {
  const { facts, store, old, counts, differences } = shown
  const products = [...new Set(differences.map(({ product }) => product))]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${safe(facts.burst)}: re-processing ${facts.processing}</title>
<style>${STYLE}</style></head><body>
<h1>${safe(facts.burst)}: re-processing ${facts.processing}</h1>
<p>${old.length} products of ${safe(store)}, observation ${safe(facts.observationId || 'without a name')}.
<b>${counts.changed}</b> values changed, <b>${counts.appeared}</b> appeared, <b>${counts.gone}</b> are gone, ${counts.same} are the same.
All of them: <a href="differences.csv">differences.csv</a>, <a href="differences.json">differences.json</a>.
Nothing is published before <code>reprocess --approve</code>.</p>
${changesTable(shown.changes)}
<h2>The light of the candidates</h2>
${lightTable(differences)}
${shapeTable(differences)}
<h2>Images</h2>
${shown.pictures.map(figure).join('\n') || '<p>The pipeline made no images.</p>'}
${shown.charts.map((path) => `<figure><img src="${linkTo(path)}" alt="finding chart" loading="lazy"><figcaption>${safe(path)}</figcaption></figure>`).join('\n')}
<h2>Every value that differs</h2>
${products.map((product) => productTable(product, differences)).join('\n')}
<h2>What would be replaced</h2>
${table(
  ['product', 'version', 'number', 'SHA-256'],
  old.map(({ card, version, id, sha256 }) => [card, version, id, sha256]),
)}
</body></html>
`
}

function changesTable(changes: readonly ConfigChange[] | undefined): string {
  if (changes === undefined) return ''
  const rows = changes.map(({ stage, key, old, new: fresh }) => [stage, key, old ?? '(none)', fresh ?? '(none)'])
  const none = '<p>The configurations of both pipelines are the same.</p>'
  return `<h2>What was changed</h2>\n${rows.length > 0 ? table(['stage', 'key', 'old', 'new'], rows) : none}`
}

function figure({ title, panels, blink, note, figures }: Picture): string {
  const image = (name: string, what: string) =>
    `<img src="pictures/${linkTo(name)}" alt="${safe(`${title}: ${what}`)}" loading="lazy">`
  const numbers = Object.entries(figures ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name.replaceAll('_', ' ')} ${Number(value.toPrecision(4))}`],
  )
  const caption = [title, note, ...numbers].map(safe).join('; ')
  return `<figure>${image(panels, 'old, new, difference')}${blink ? image(blink, 'old and new in turn') : ''}<figcaption>${caption}</figcaption></figure>`
}

/** A page whose sections (## …) are replaced by those of the same title in `text`; new ones follow at its end. */
export function withSections(page, text) {
  const parts = (whole) => whole.split(/^(?=## )/m)
  const title = (part) => part.split('\n', 1)[0]
  const fresh = new Map(parts(text).map((part) => [title(part), `${part.trimEnd()}\n`]))
  const kept = parts(page).map((part) => {
    const replaced = fresh.get(title(part))
    fresh.delete(title(part))
    return replaced ?? `${part.trimEnd()}\n`
  })
  return [...kept, ...fresh.values()].join('\n')
}

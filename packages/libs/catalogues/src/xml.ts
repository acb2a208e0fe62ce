/** The little of XML that VOTables need: elements found by name, whatever their prefix. */
export interface XmlElement {
  attributes: string
  inner: string
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

/** All elements of a name, in order; one inside another of the same name is not looked for. */
export function elements(text: string, name: string): XmlElement[] {
  const found: XmlElement[] = []
  const open = new RegExp(`<((?:[\\w.-]+:)?)${name}(?=[\\s/>])((?:[^>"']|"[^"]*"|'[^']*')*?)(/?)>`, 'g')
  for (let match = open.exec(text); match; match = open.exec(text)) {
    if (match[3] === '/') {
      found.push({ attributes: match[2], inner: '' })
      continue
    }
    const end = text.indexOf(`</${match[1]}${name}`, open.lastIndex)
    const stop = end < 0 ? text.length : end
    found.push({ attributes: match[2], inner: text.slice(open.lastIndex, stop) })
    open.lastIndex = stop
  }
  return found
}

/** What is inside the first element of a name. */
export function inside(text: string, name: string): string | undefined {
  return elements(text, name)[0]?.inner
}

export function attributesOf(text: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [, name, one, other] of text.matchAll(/([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) {
    found[name] = decodeText(one ?? other ?? '')
  }
  return found
}

/** Text with its entities and CDATA sections resolved. */
export function decodeText(text: string): string {
  if (!text.includes('&') && !text.includes('<![CDATA[')) return text
  return text
    .split(/(<!\[CDATA\[[\s\S]*?\]\]>)/)
    .map((part) => (part.startsWith('<![CDATA[') ? part.slice(9, -3) : part.replace(/&(#x?[\da-f]+|\w+);/gi, entity)))
    .join('')
}

function entity(all: string, name: string): string {
  if (!name.startsWith('#')) return ENTITIES[name] ?? all
  const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : all
}

export const encodeText = (text: string): string =>
  text.replace(/[<>&"]/g, (one) => ({ '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' })[one]!)

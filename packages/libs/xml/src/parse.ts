import { decodeXml } from './decode.js'
import { XmlError } from './error.js'
import type { XmlElement } from './tree.js'

/** How much a document may be. What is more is refused before it costs anything. */
export interface XmlLimits {
  bytes: number
  depth: number
  /** elements and attributes together */
  nodes: number
}

const LIMITS: XmlLimits = { bytes: 2 ** 20, depth: 64, nodes: 100_000 }

/**
 * Reads a document: elements, attributes, text, CDATA. A document type declaration is refused, and so is every entity but
 * the five of XML itself and character references: nothing can be expanded, and nothing fetched.
 */
export function parseXml(source: Uint8Array | string, limits: Partial<XmlLimits> = {}): XmlElement {
  const within = { ...LIMITS, ...limits }
  if (source.length > within.bytes)
    throw new XmlError(`${source.length} bytes, more than the ${within.bytes} that are read`)
  const text = typeof source === 'string' ? source : decodeXml(source)
  return new Reader(text, within).document()
}

const PREDEFINED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }
const NAME =
  /[A-Za-z_\u00c0-\u{10ffff}][\w.\-\u00b7\u00c0-\u{10ffff}]*(?::[A-Za-z_\u00c0-\u{10ffff}][\w.\-\u00b7\u00c0-\u{10ffff}]*)?/uy
const BLANKS = /[ \t\r\n]*/y
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML forbids
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/

interface Open {
  element: XmlElement
  tag: string
  /** where it begins */
  at: number
  namespaces: Readonly<Record<string, string>>
}

/** A position in the text, and the elements that are open there. A class because all of its steps move that one position. */
class Reader {
  private at = 0
  private nodes = 0
  private readonly open: Open[] = []
  private root: XmlElement | undefined

  constructor(
    private readonly text: string,
    private readonly limits: XmlLimits,
  ) {}

  document(): XmlElement {
    const bad = FORBIDDEN.exec(this.text)
    if (bad) throw this.wrong('a control character', bad.index)
    while (this.at < this.text.length) this.step()
    const left = this.open.at(-1)
    if (left) throw this.wrong(`<${left.tag}> is never closed: the document is cut short`, left.at)
    if (!this.root) throw new XmlError(this.text.trim() === '' ? 'is empty' : 'holds no element: it is not XML')
    return this.root
  }

  private step(): void {
    const { text } = this
    const begins = (sign: string) => text.startsWith(sign, this.at)
    if (!begins('<')) this.characters()
    else if (begins('<!--')) this.skip('<!--', '-->', 'comment')
    else if (begins('<![CDATA[')) this.cdata()
    else if (begins('<?')) this.skip('<?', '?>', 'processing instruction')
    else if (begins('<!')) throw this.wrong('a document type or entity declaration, which is not read')
    else if (begins('</')) this.close()
    else this.element()
  }

  private characters(): void {
    const end = this.text.indexOf('<', this.at)
    const raw = this.text.slice(this.at, end < 0 ? this.text.length : end)
    const inside = this.open.at(-1)
    if (inside) inside.element.text += this.resolved(raw, this.at)
    else if (raw.trim() !== '')
      throw this.wrong(this.root ? 'text after the document' : 'text before the first tag: it is not XML')
    this.at += raw.length
  }

  private cdata(): void {
    const inside = this.open.at(-1)
    const end = this.text.indexOf(']]>', this.at)
    if (!inside || end < 0) throw this.wrong(inside ? 'CDATA that never ends' : 'CDATA outside of the document')
    inside.element.text += this.text.slice(this.at + 9, end)
    this.at = end + 3
  }

  private skip(begin: string, finish: string, what: string): void {
    const end = this.text.indexOf(finish, this.at + begin.length)
    if (end < 0) throw this.wrong(`a ${what} that never ends`)
    this.at = end + finish.length
  }

  private element(): void {
    if (this.root && this.open.length === 0) throw this.wrong('a second element after the document')
    if (this.open.length >= this.limits.depth) throw this.wrong(`elements nested deeper than ${this.limits.depth}`)
    const at = this.at++
    const tag = this.name('the name of an element')
    const attributes = this.attributes(tag)
    const above = this.open.at(-1)
    const namespaces = declared(attributes, above?.namespaces ?? NO_NAMESPACES)
    const [prefix, name] = tag.includes(':') ? (tag.split(':') as [string, string]) : ['', tag]
    const namespace = namespaces[prefix]
    if (namespace === undefined && prefix) throw this.wrong(`the prefix ${prefix} is not declared`, at)
    const element: XmlElement = { name, namespace: namespace ?? '', attributes, children: [], text: '' }
    if (above) above.element.children.push(element)
    else this.root = element
    this.count(at)
    const empty = this.text[this.at] === '/'
    this.expect(empty ? '/>' : '>', `the end of <${tag}>`)
    if (!empty) this.open.push({ element, tag, at, namespaces })
  }

  private attributes(tag: string): Record<string, string> {
    const attributes: Record<string, string> = {}
    for (;;) {
      const blank = this.blanks()
      const sign = this.text[this.at]
      if (sign === undefined) throw this.wrong(`<${tag} is never ended: the document is cut short`)
      if (sign === '>' || sign === '/') return attributes
      if (!blank) throw this.wrong(`no blank before an attribute of <${tag}>`)
      const at = this.at
      const name = this.name(`an attribute of <${tag}>`)
      if (Object.hasOwn(attributes, name)) throw this.wrong(`<${tag}> has ${name} twice`, at)
      this.blanks()
      this.expect('=', `= after ${name}`)
      this.blanks()
      attributes[name] = this.quoted(name)
      this.count(at)
    }
  }

  private quoted(name: string): string {
    const quote = this.text[this.at]
    const start = this.at + 1
    const end = quote === '"' || quote === "'" ? this.text.indexOf(quote, start) : -1
    if (end < 0) throw this.wrong(`the value of ${name} is not in quotes`)
    const raw = this.text.slice(start, end)
    if (raw.includes('<')) throw this.wrong(`< in the value of ${name}`, start + raw.indexOf('<'))
    this.at = end + 1
    return this.resolved(raw, start).replace(/[\t\r\n]/g, ' ')
  }

  private close(): void {
    const at = this.at
    this.at += 2
    const tag = this.name('the name of a closing tag')
    this.blanks()
    this.expect('>', `the end of </${tag}>`)
    const last = this.open.pop()
    if (last?.tag !== tag)
      throw this.wrong(last ? `</${tag}> where </${last.tag}> is due` : `</${tag}> closes nothing`, at)
  }

  /** Character references and the five entities of XML. */
  private resolved(raw: string, at: number): string {
    if (!raw.includes('&')) return raw.replace(/\r\n?/g, '\n')
    return raw
      .replace(/\r\n?/g, '\n')
      .replace(/&(#x[0-9a-fA-F]{1,6}|#\d{1,7}|\w+)?;?/g, (whole, word: string | undefined) => {
        const known = word === undefined || !whole.endsWith(';') ? undefined : (PREDEFINED[word] ?? character(word))
        if (known === undefined) throw this.wrong(`${whole} is no entity that is read`, at + raw.indexOf(whole))
        return known
      })
  }

  private name(what: string): string {
    NAME.lastIndex = this.at
    const name = NAME.exec(this.text)?.[0]
    if (name === undefined) throw this.wrong(`${what} is due`)
    this.at += name.length
    return name
  }

  private blanks(): boolean {
    BLANKS.lastIndex = this.at
    const found = BLANKS.exec(this.text)![0]
    this.at += found.length
    return found !== ''
  }

  private expect(sign: string, what: string): void {
    if (!this.text.startsWith(sign, this.at)) throw this.wrong(`${what} is due`)
    this.at += sign.length
  }

  private count(at: number): void {
    if (++this.nodes > this.limits.nodes) throw this.wrong(`more than ${this.limits.nodes} elements and attributes`, at)
  }

  private wrong(message: string, at = this.at): XmlError {
    const before = this.text.slice(0, at)
    const line = before.split('\n').length
    return new XmlError(message, line, at - before.lastIndexOf('\n'))
  }
}

const NO_NAMESPACES = { xml: 'http://www.w3.org/XML/1998/namespace' }

function declared(attributes: Readonly<Record<string, string>>, above: Readonly<Record<string, string>>) {
  const own = Object.entries(attributes).flatMap(([name, value]) =>
    name === 'xmlns' ? [['', value]] : name.startsWith('xmlns:') ? [[name.slice(6), value]] : [],
  )
  return own.length ? { ...above, ...Object.fromEntries(own) } : above
}

function character(word: string): string | undefined {
  if (!word.startsWith('#')) return undefined
  const code = word[1] === 'x' ? Number.parseInt(word.slice(2), 16) : Number(word.slice(1))
  const fits =
    code === 9 || code === 10 || code === 13 || (code >= 32 && code <= 0x10ffff && !(code >= 0xd800 && code < 0xe000))
  return fits && code !== 0xfffe && code !== 0xffff ? String.fromCodePoint(code) : undefined
}

import { parseXml, type XmlElement } from '@nightpipe/xml'

/**
 * A rule that an event meets or not, in the part of XPath that such rules need:
 *
 *     //Param[@name="SNR"]/@value > 7 and not(/VOEvent/@role = "test")
 *     starts-with(/VOEvent/@ivorn, "ivo://org.svom/") or contains(//Who/AuthorIVORN, "gcn")
 *
 * Prefixes of names are ignored. A path alone is met when it leads somewhere; a comparison when it holds for one of the
 * values that the path leads to, as in XPath.
 */
export type Filter = (document: XmlElement) => boolean

/** Reads a rule; throws a RangeError that says where it is wrong. */
export function parseFilter(rule: string): Filter {
  const tokens = tokensOf(rule)
  const at = { index: 0 }
  const filter = anyOf({ tokens, at, rule })
  if (at.index < tokens.length) throw wrong({ tokens, at, rule }, 'the end, and, or or')
  return filter
}

/** The same for an event as bytes or text. */
export const meets = (filter: Filter, event: Uint8Array | string): boolean => filter(parseXml(event))

interface Reading {
  tokens: string[]
  at: { index: number }
  rule: string
}
/** What an operand gives for an event: texts, of which a path may have several. */
type Values = (document: XmlElement) => string[]

const TOKEN =
  /\s*(?:("[^"]*"|'[^']*'|\d+\.?\d*(?:e[+-]?\d+)?|-\d+\.?\d*|\/\/|<=|>=|!=|[/@[\](),=<>*]|[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?)|$)/y

function tokensOf(rule: string): string[] {
  const found: string[] = []
  let from = 0
  while (rule.slice(from).trim() !== '') {
    TOKEN.lastIndex = from
    const match = TOKEN.exec(rule)
    if (!match?.[1]) throw new RangeError(`'${rule}': not understood from '${rule.slice(from).trim()}'`)
    found.push(match[1])
    from = TOKEN.lastIndex
  }
  return found
}

const peek = ({ tokens, at }: Reading) => tokens[at.index]
const take = (reading: Reading) => reading.tokens[reading.at.index++]
const wrong = (reading: Reading, due: string) =>
  new RangeError(
    `'${reading.rule}': ${due} is due at ${peek(reading) === undefined ? 'its end' : `'${peek(reading)}'`}`,
  )
function expect(reading: Reading, token: string): void {
  if (peek(reading) !== token) throw wrong(reading, `'${token}'`)
  reading.at.index++
}

function anyOf(reading: Reading): Filter {
  const parts = [allOf(reading)]
  while (peek(reading) === 'or') {
    take(reading)
    parts.push(allOf(reading))
  }
  return (document) => parts.some((part) => part(document))
}

function allOf(reading: Reading): Filter {
  const parts = [condition(reading)]
  while (peek(reading) === 'and') {
    take(reading)
    parts.push(condition(reading))
  }
  return (document) => parts.every((part) => part(document))
}

const COMPARE: Readonly<Record<string, (a: string, b: string) => boolean>> = {
  '=': (a, b) => a === b || (isNumber(a) && isNumber(b) && Number(a) === Number(b)),
  '!=': (a, b) => !COMPARE['=']!(a, b),
  '<': (a, b) => isNumber(a) && isNumber(b) && Number(a) < Number(b),
  '>': (a, b) => isNumber(a) && isNumber(b) && Number(a) > Number(b),
  '<=': (a, b) => isNumber(a) && isNumber(b) && Number(a) <= Number(b),
  '>=': (a, b) => isNumber(a) && isNumber(b) && Number(a) >= Number(b),
}
const isNumber = (text: string) => text.trim() !== '' && Number.isFinite(Number(text))

const TESTS: Readonly<Record<string, (a: string, b: string) => boolean>> = {
  'starts-with': (a, b) => a.startsWith(b),
  contains: (a, b) => a.includes(b),
}

function condition(reading: Reading): Filter {
  const token = peek(reading)
  if (token === '(') return bracketed(reading)
  if (token === 'not') {
    take(reading)
    const inner = bracketed(reading)
    return (document) => !inner(document)
  }
  const test = token === undefined ? undefined : TESTS[token]
  if (test) {
    take(reading)
    expect(reading, '(')
    const left = operand(reading)
    expect(reading, ',')
    const right = operand(reading)
    expect(reading, ')')
    return (document) => left(document).some((a) => right(document).some((b) => test(a, b)))
  }
  const left = operand(reading)
  const compare = COMPARE[peek(reading) ?? '']
  if (!compare) return (document) => left(document).length > 0
  take(reading)
  const right = operand(reading)
  return (document) => left(document).some((a) => right(document).some((b) => compare(a, b)))
}

function bracketed(reading: Reading): Filter {
  expect(reading, '(')
  const inner = anyOf(reading)
  expect(reading, ')')
  return inner
}

function operand(reading: Reading): Values {
  const token = peek(reading) ?? ''
  if (/^["']/.test(token)) {
    take(reading)
    return () => [token.slice(1, -1)]
  }
  if (/^-?\d/.test(token)) {
    take(reading)
    return () => [token]
  }
  return path(reading)
}

interface Step {
  deep: boolean
  name: string
  having: ((element: XmlElement) => boolean)[]
}

const local = (name: string) => name.slice(name.indexOf(':') + 1)
const attributeOf = (element: XmlElement, name: string) =>
  Object.entries(element.attributes).find(([key]) => local(key) === name)?.[1]

/** `/VOEvent/What/Param[@name="SNR"]/@value`, `//Param`; without a slash at its start it is looked for everywhere. */
function path(reading: Reading): Values {
  const steps: Step[] = []
  let deep = peek(reading) !== '/'
  if (peek(reading) === '/' || peek(reading) === '//') take(reading)
  for (;;) {
    if (peek(reading) === '@') {
      take(reading)
      const name = local(take(reading) ?? '')
      if (!/^[A-Za-z_]/.test(name)) throw wrong(reading, 'the name of an attribute')
      const last = steps
      return (document) => follow(document, last).flatMap((element) => attributeOf(element, name) ?? [])
    }
    const name = take(reading)
    if (name === undefined || !/^([A-Za-z_]|\*$)/.test(name)) {
      reading.at.index--
      throw wrong(reading, 'a path, a text or a number')
    }
    steps.push({ deep, name: local(name), having: predicates(reading) })
    const slash = peek(reading)
    if (slash !== '/' && slash !== '//') return (document) => follow(document, steps).map(({ text }) => text.trim())
    deep = slash === '//'
    take(reading)
  }
}

/** `[@name="SNR"]`, `[@unit]`. */
function predicates(reading: Reading): Step['having'] {
  const having: Step['having'] = []
  while (peek(reading) === '[') {
    take(reading)
    expect(reading, '@')
    const name = local(take(reading) ?? '')
    const compare = COMPARE[peek(reading) ?? '']
    if (compare) {
      take(reading)
      const right = operand(reading)
      having.push((element) => {
        const value = attributeOf(element, name)
        return value !== undefined && right(element).some((text) => compare(value, text))
      })
    } else having.push((element) => attributeOf(element, name) !== undefined)
    expect(reading, ']')
  }
  return having
}

const below = (element: XmlElement): XmlElement[] => element.children.flatMap((child) => [child, ...below(child)])

function follow(document: XmlElement, steps: readonly Step[]): XmlElement[] {
  // The root is a child of the document as a whole.
  let here: XmlElement[] = [{ name: '', namespace: '', attributes: {}, children: [document], text: '' }]
  for (const { deep, name, having } of steps) {
    const next = here.flatMap((element) => (deep ? below(element) : element.children))
    here = [...new Set(next)].filter(
      (element) => (name === '*' || element.name === name) && having.every((holds) => holds(element)),
    )
  }
  return here
}

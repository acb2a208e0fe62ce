/** An element. Text and CDATA of its own are joined in `text`; comments and processing instructions are left out. */
export interface XmlElement {
  /** without its prefix */
  name: string
  /** of the prefix, or the default one; '' for none */
  namespace: string
  /** by their names as written; `xmlns` declarations too */
  attributes: Readonly<Record<string, string>>
  children: XmlElement[]
  text: string
}

export const childrenNamed = ({ children }: XmlElement, name: string): XmlElement[] =>
  children.filter((child) => child.name === name)

/** The first child of that name, or the one at the end of a path: `Who/Author/shortName`. */
export function childNamed(element: XmlElement | undefined, path: string): XmlElement | undefined {
  let here = element
  for (const name of path.split('/')) here = here?.children.find((child) => child.name === name)
  return here
}

/** The text at the end of a path, without blanks around; undefined when there is none. */
export const textAt = (element: XmlElement | undefined, path: string): string | undefined =>
  childNamed(element, path)?.text.trim() || undefined

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

/** A text as it may stand between tags and in attributes. */
export const escapeXml = (text: string): string => text.replace(/[&<>"']/g, (sign) => ESCAPES[sign]!)

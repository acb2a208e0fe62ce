export { decodeXml } from './decode.js'
export { XmlError } from './error.js'
export { parseXml, type XmlLimits } from './parse.js'
export { childNamed, childrenNamed, escapeXml, textAt, type XmlElement } from './tree.js'

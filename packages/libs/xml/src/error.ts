/** A document that is not XML, or not XML that we read. The message says where. */
export class XmlError extends Error {
  override readonly name = 'XmlError'
  constructor(
    message: string,
    readonly line?: number,
    readonly column?: number,
  ) {
    super(line === undefined ? message : `line ${line}, column ${column}: ${message}`)
  }
}

/** A PNG of 8 bits, grey or colour, as its rows are compressed. */
export interface PngParts {
  width: number
  height: number
  channels: 1 | 3
  /** filtered and deflated, as PDF takes them */
  rows: Buffer
}

/** What a PNG holds; undefined where it has transparency, a palette or other depths. */
export function pngParts(png: Buffer): PngParts | undefined {
  if (png.readUInt32BE(0) !== 0x89504e47) return undefined
  let head: Omit<PngParts, 'rows'> | undefined
  const rows: Buffer[] = []
  for (let at = 8; at + 12 <= png.length; ) {
    const length = png.readUInt32BE(at)
    const kind = png.toString('latin1', at + 4, at + 8)
    const body = png.subarray(at + 8, at + 8 + length)
    if (kind === 'IDAT') rows.push(body)
    if (kind === 'IHDR') {
      const [depth, colour, interlaced] = [body[8], body[9], body[12]]
      if (depth !== 8 || interlaced !== 0 || (colour !== 0 && colour !== 2)) return undefined
      head = { width: body.readUInt32BE(0), height: body.readUInt32BE(4), channels: colour === 0 ? 1 : 3 }
    }
    at += 12 + length
  }
  return head && { ...head, rows: Buffer.concat(rows) }
}

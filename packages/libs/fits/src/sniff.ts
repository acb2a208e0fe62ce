const SIGNATURES: readonly [readonly number[], string, string][] = [
  [[0x42, 0x5a, 0x68], 'a bzip2 file', 'run bunzip2 on it first'],
  [[0x1f, 0x9d], 'a Unix compress (LZW) file', 'run gzip -d on it first'],
  [[0x1f, 0xa0], 'a Unix compress (LZH) file', 'run gzip -d on it first'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'an xz file', 'run unxz on it first'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'a zstd file', 'run unzstd on it first'],
  [[0x50, 0x4b, 0x03, 0x04], 'a zip archive', 'unzip it first'],
  [[0x89, 0x48, 0x44, 0x46], 'an HDF5 file', 'give FITS files'],
  [[0x89, 0x50, 0x4e, 0x47], 'a PNG picture', 'give FITS files'],
  [[0xff, 0xd8, 0xff], 'a JPEG picture', 'give FITS files'],
  [[0x49, 0x49, 0x2a, 0x00], 'a TIFF picture', 'give FITS files'],
  [[0x4d, 0x4d, 0x00, 0x2a], 'a TIFF picture', 'give FITS files'],
]

/** What a file that does not begin as FITS seems to be, and what to do. `size` is that of the whole file. */
export function describeForeign(start: Uint8Array, size: number): { what: string; advice?: string } {
  if (size === 0) return { what: 'is empty', advice: 'copy it again' }
  for (const [magic, what, advice] of SIGNATURES) {
    if (magic.every((byte, k) => start[k] === byte)) return { what: `is ${what}, not FITS`, advice }
  }
  const text = Buffer.from(start.buffer, start.byteOffset, Math.min(start.length, 512)).toString('latin1')
  if (text.startsWith('version https://git-lfs')) {
    return { what: 'is a Git LFS pointer, not the FITS file itself', advice: 'run git lfs pull in its repository' }
  }
  if (/^\s*<(!doctype|html|\?xml)/i.test(text))
    return { what: 'is a web page or XML, not FITS', advice: 'download it again' }
  if (text.startsWith('XTENSION')) return { what: 'begins with an extension: the primary HDU is missing' }
  if (start.every((byte) => byte === 0))
    return { what: 'begins with zeros, not with a FITS header', advice: 'copy it again' }
  if (/^[\t\n\r\x20-\x7e\x80-\xff]*$/.test(text) && /[\n\r]/.test(text)) return { what: 'is a text file, not FITS' }
  return { what: 'is not FITS: it does not begin with SIMPLE', advice: 'copy it again' }
}

export function isGzip(start: Uint8Array): boolean {
  return start[0] === 0x1f && start[1] === 0x8b
}

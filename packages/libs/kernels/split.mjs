// A module split in two: its code, and the data that it puts into its memory. A thread that joins others on one memory
// takes the code alone, for the data of a new instance would overwrite what they have there.

const [DATA, DATA_COUNT] = [11, 12]
const HEADER_BYTES = 8

/** An unsigned LEB128 number and what follows it. */
function readNumber(bytes, at) {
  let [value, shift, k] = [0, 0, at]
  for (; ; k++, shift += 7) {
    value |= (bytes[k] & 127) << shift
    if (bytes[k] < 128) return [value, k + 1]
  }
}

const name = (text) => [text.length, ...Buffer.from(text)]

export function split(module) {
  const header = module.subarray(0, HEADER_BYTES)
  const rest = []
  let segments = Buffer.alloc(0)
  for (let at = HEADER_BYTES; at < module.length; ) {
    const [length, start] = readNumber(module, at + 1)
    const section = module.subarray(at, start + length)
    if (module[at] === DATA) segments = section
    else if (module[at] !== DATA_COUNT) rest.push(section)
    at = start + length
  }
  // one import: a shared memory of 1 to 65536 pages
  const memory = [1, ...name('env'), ...name('memory'), 2, 3, 1, 0x80, 0x80, 4]
  const imports = Buffer.from([2, memory.length, ...memory])
  return { code: Buffer.concat([header, ...rest]), data: Buffer.concat([header, imports, segments]) }
}

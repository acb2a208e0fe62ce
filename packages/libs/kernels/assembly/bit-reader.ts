// Bits from memory, the highest of a byte first. One reader at a time: its state is kept here.

let next: usize = 0
let end: usize = 0
let word: u64 = 0
let held: i32 = 0

export function startBits(from: usize, to: usize): void {
  next = from
  end = to
  word = 0
  held = 0
}

// After this at least 56 bits are held. Whatever lies past the end is taken for zeros, and noticed by `bitsOverrun`.
function refill(): void {
  if (next + 8 <= end) {
    word |= bswap<u64>(load<u64>(next)) >> (<u64>held)
    next += <usize>((63 - held) >> 3)
    held |= 56
    return
  }
  while (held <= 56) {
    if (next < end) word |= (<u64>load<u8>(next)) << (<u64>(56 - held))
    next++
    held += 8
  }
}

/** The next `n` bits, 1 to 32. */
// @ts-ignore: decorator
@inline export function takeBits(n: i32): u32 {
  if (held < n) refill()
  const value = <u32>(word >> (<u64>(64 - n)))
  word <<= <u64>n
  held -= n
  return value
}

/** The next `n` bits, 1 to 32, which stay where they are. */
// @ts-ignore: decorator
@inline export function peekBits(n: i32): u32 {
  if (held < n) refill()
  return <u32>(word >> (<u64>(64 - n)))
}

// @ts-ignore: decorator
@inline export function dropBits(n: i32): void {
  word <<= <u64>n
  held -= n
}

/** True when more bits were taken than there are. */
// @ts-ignore: decorator
@inline export function bitsOverrun(): bool {
  return next - <usize>(held >> 3) > end
}

/** Address of the first byte of which no bit was taken. */
export function bitsEnd(): usize {
  return next - <usize>(held >> 3)
}

/** A message of more bytes than this is no VOEvent: whoever sends it is cut off. */
export const MOST_BYTES = 2 ** 20

/** A message as it goes over the wire: its length in four bytes, the most significant first, then itself. */
export function frameMessage(payload: Uint8Array | string): Uint8Array {
  const body = Buffer.from(payload)
  const head = Buffer.alloc(4)
  head.writeUInt32BE(body.length)
  return Buffer.concat([head, body])
}

/** Messages out of a stream of bytes that arrives in pieces of any size. */
export interface Unframer {
  /** The messages that are whole now. Throws a RangeError when one announces more bytes than may be. */
  take(piece: Uint8Array): Uint8Array[]
  /** Bytes of a message that is not whole yet. */
  readonly pending: number
}

export function unframer(most = MOST_BYTES): Unframer {
  let pieces: Uint8Array[] = []
  let have = 0
  /** The first `n` bytes, taken out. */
  const cut = (n: number): Uint8Array => {
    const all = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
    have -= n
    pieces = have ? [all.subarray(n)] : []
    return all.subarray(0, n)
  }
  let due: number | undefined
  return {
    take(piece) {
      if (piece.length) pieces.push(piece)
      have += piece.length
      const whole: Uint8Array[] = []
      for (;;) {
        if (due === undefined) {
          if (have < 4) return whole
          due = Buffer.from(cut(4)).readUInt32BE()
          if (due > most) throw new RangeError(`a message of ${due} bytes is announced, more than ${most}`)
        }
        if (have < due) return whole
        whole.push(Uint8Array.from(cut(due)))
        due = undefined
      }
    },
    get pending() {
      return have
    },
  }
}

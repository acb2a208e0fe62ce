/** Bytes in the heap. */
export interface Extent {
  offset: number
  bytes: number
}

/** One tile as it goes into the table: in the column of its algorithm, or whole in that of the gzipped tiles. */
export interface PackedTile {
  data?: Extent
  gzipped?: Extent
  scale?: number
  zero?: number
  blanks?: boolean
}

export interface Heap {
  add(bytes: Uint8Array): Extent
  size(): number
  copyTo(target: Uint8Array): void
}

/** The compressed tiles one after another, in pieces of some megabytes: the size is known only in the end. */
export function heapOf(): Heap {
  const pieces: { bytes: Uint8Array; used: number }[] = []
  let size = 0
  return {
    add(bytes) {
      let last = pieces[pieces.length - 1]
      if (!last || last.used + bytes.length > last.bytes.length) {
        last = { bytes: new Uint8Array(Math.max(2 ** 22, bytes.length)), used: 0 }
        pieces.push(last)
      }
      last.bytes.set(bytes, last.used)
      last.used += bytes.length
      size += bytes.length
      return { offset: size - bytes.length, bytes: bytes.length }
    },
    size: () => size,
    copyTo(target) {
      let at = 0
      for (const { bytes, used } of pieces) {
        target.set(bytes.subarray(0, used), at)
        at += used
      }
    },
  }
}

export interface PackedColumn {
  name: string
  format: string
}

export interface PackedTable {
  bytes: Uint8Array
  columns: PackedColumn[]
}

/**
 * The rows of the table and the heap behind them. Pointers have 32 bits, or 64 where the heap needs them. `element` is
 * the type of the compressed data: B, or I for the 16-bit words of PLIO_1.
 */
export function tableOf(tiles: readonly PackedTile[], heap: Heap, scaled: boolean, element: 'B' | 'I'): PackedTable {
  const wide = heap.size() > 2 ** 31 - 1
  const [letter, pointer] = wide ? ['Q', 16] : ['P', 8]
  const longest = (key: 'data' | 'gzipped') => tiles.reduce((most, tile) => Math.max(most, tile[key]?.bytes ?? 0), 0)
  const size = element === 'I' ? 2 : 1
  const columns = [{ name: 'COMPRESSED_DATA', format: `1${letter}${element}(${longest('data') / size})` }]
  const fallback = tiles.some((tile) => tile.gzipped)
  if (scaled) columns.push({ name: 'ZSCALE', format: '1D' }, { name: 'ZZERO', format: '1D' })
  if (fallback) columns.push({ name: 'GZIP_COMPRESSED_DATA', format: `1${letter}B(${longest('gzipped')})` })
  const rowBytes = pointer * (fallback ? 2 : 1) + (scaled ? 16 : 0)
  const bytes = new Uint8Array(rowBytes * tiles.length + heap.size())
  const view = new DataView(bytes.buffer)
  tiles.forEach((tile, k) => {
    const at = k * rowBytes
    putExtent(view, at, wide, tile.data, size)
    if (scaled) view.setFloat64(at + pointer, tile.scale ?? 0)
    if (scaled) view.setFloat64(at + pointer + 8, tile.zero ?? 0)
    if (fallback) putExtent(view, at + rowBytes - pointer, wide, tile.gzipped, 1)
  })
  heap.copyTo(bytes.subarray(rowBytes * tiles.length))
  return { bytes, columns }
}

function putExtent(view: DataView, at: number, wide: boolean, extent: Extent | undefined, size: number): void {
  const count = (extent?.bytes ?? 0) / size
  if (wide) {
    view.setBigInt64(at, BigInt(count))
    view.setBigInt64(at + 8, BigInt(extent?.offset ?? 0))
  } else {
    view.setInt32(at, count)
    view.setInt32(at + 4, extent?.offset ?? 0)
  }
}

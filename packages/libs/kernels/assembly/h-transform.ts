// The H-transform (White & Postman 1992, in Digitised Optical Sky Surveys, 167; Fritze et al. 1977, Astron. Nachr. 298,
// 189): a two-dimensional Haar transform on integers that is undone exactly. At each level every 2x2 block gives a sum
// h0, differences along the rows and columns, and a curvature; the sums are the image of the next level. Low bits that
// the others imply are dropped, so that rounding costs nothing. T is i32, or i64 where sums of 32-bit pixels need it.
//
// Coefficients lie by quadrants: of the ceil(rows / 2^k) x ceil(columns / 2^k) block of level k the sums take the top
// left, differences between columns the top right, between rows the bottom left, curvatures the bottom right.

// @ts-ignore: decorator
@inline function round<T>(value: T, up: T, down: T, mask: T): T {
  return (value + (value >= 0 ? up : down)) & mask
}

/** Levels of the transform: the power of two that holds the longer side. */
export function hLevels(rows: i32, columns: i32): i32 {
  return 32 - clz<i32>(max<i32>(rows, columns) - 1)
}

// @ts-ignore: decorator
@inline function halved(n: i32, times: i32): i32 {
  return ((n - 1) >> times) + 1
}

/**
 * Transforms `sums`, rows x columns pixels, destroying it, to `target`. Both are contiguous.
 */
export function hForward<T>(sums: usize, target: usize, rows: i32, columns: i32): void {
  const size = sizeof<T>()
  const levels = hLevels(rows, columns)
  const rowBytes = (<usize>columns) * size
  let mask: T = -2
  let bit: T = 1
  for (let level = 0; level < levels; level++) {
    const shift = <T>(level == 0 ? 0 : 1)
    const height = halved(rows, level)
    const width = halved(columns, level)
    const half = (<usize>((width + 1) >> 1)) * size
    const below = (<usize>((height + 1) >> 1)) * rowBytes
    const bit2 = bit << 1
    for (let i = 0; i < height; i += 2) {
      const here = sums + (<usize>i) * (<usize>width) * size
      const under = here + (<usize>width) * size
      const out = target + (<usize>(i >> 1)) * rowBytes
      // Sums go where this level's rows have been read already.
      const kept = sums + (<usize>(i >> 1)) * half
      const paired = i + 1 < height
      for (let j = 0; j < width; j += 2) {
        const at = (<usize>j) * size
        const to = (<usize>(j >> 1)) * size
        const a00 = load<T>(here + at)
        const last = j + 1 == width
        const a01 = last ? <T>0 : load<T>(here + at + size)
        const a10 = paired ? load<T>(under + at) : <T>0
        const a11 = paired && !last ? load<T>(under + at + size) : <T>0
        let h0 = a11 + a10 + a01 + a00
        if (paired && !last) {
          h0 >>= shift
          const hx = (a11 + a10 - a01 - a00) >> shift
          const hy = (a11 - a10 + a01 - a00) >> shift
          store<T>(out + below + half + to, (a11 - a10 - a01 + a00) >> shift)
          store<T>(out + below + to, round<T>(hx, bit, 0, mask))
          store<T>(out + half + to, round<T>(hy, bit, 0, mask))
        } else if (paired) {
          h0 <<= 1 - shift
          store<T>(out + below + to, round<T>((a10 - a00) << (1 - shift), bit, 0, mask))
        } else if (!last) {
          h0 <<= 1 - shift
          store<T>(out + half + to, round<T>((a01 - a00) << (1 - shift), bit, 0, mask))
        } else h0 <<= 2 - shift
        store<T>(kept + to, round<T>(h0, bit2, bit2 - 1, mask << 1))
      }
    }
    mask <<= 1
    bit <<= 1
  }
  store<T>(target, load<T>(sums))
}

/**
 * Undoes the transform: `coefficients` to `image`, both rows x columns; `spare` holds a quarter of that, rounded up on
 * each side. `scale` above 1 is that of the coefficients' truncation: where `smooth`, they are moved within it towards
 * what their neighbours suggest.
 */
export function hInverse<T>(
  coefficients: usize, image: usize, spare: usize, rows: i32, columns: i32, smooth: i32, scale: i32,
): void {
  const size = sizeof<T>()
  const levels = hLevels(rows, columns)
  const rowBytes = (<usize>columns) * size
  const one: T = 1
  let bit0 = one << <T>(levels - 1)
  // The image of each level in turn in `image` and `spare`, such that the last comes into `image`.
  let from = levels & 1 ? spare : image
  let to = levels & 1 ? image : spare
  const top: T = levels == 0 ? 1 : bit0 << 2
  const first = load<T>(coefficients)
  store<T>(from, levels == 0 ? first : round<T>(first, top >> 1, (top >> 1) - 1, -top))
  for (let level = levels - 1; level >= 0; level--) {
    const shift = <T>(level == 0 ? 2 : 1)
    const bit1 = bit0 << 1
    const up1 = bit1 >> 1
    const up0 = bit0 >> 1
    const down0: T = level == 0 ? 0 : up0 - 1
    const down1 = up1 - 1
    const height = halved(rows, level)
    const width = halved(columns, level)
    const halfWidth = (width + 1) >> 1
    const half = (<usize>halfWidth) * size
    const below = (<usize>((height + 1) >> 1)) * rowBytes
    if (smooth) smoothLevel<T>(coefficients, from, rowBytes, height, width, scale)
    for (let i = 0; i < height; i += 2) {
      const sums = from + (<usize>(i >> 1)) * half
      const details = coefficients + (<usize>(i >> 1)) * rowBytes
      const here = to + (<usize>i) * (<usize>width) * size
      const under = here + (<usize>width) * size
      const paired = i + 1 < height
      for (let j = 0; j < width; j += 2) {
        const at = (<usize>(j >> 1)) * size
        const out = (<usize>j) * size
        const last = j + 1 == width
        let h0 = load<T>(sums + at)
        if (paired && !last) {
          let hx = round<T>(load<T>(details + below + at), up1, down1, -bit1)
          let hy = round<T>(load<T>(details + half + at), up1, down1, -bit1)
          const hc = round<T>(load<T>(details + below + half + at), up0, down0, -bit0)
          const low0 = hc & bit0
          hx = hx >= 0 ? hx - low0 : hx + low0
          hy = hy >= 0 ? hy - low0 : hy + low0
          const low1 = (hc ^ hx ^ hy) & bit1
          h0 = h0 >= 0 ? h0 + low0 - low1 : h0 + (low0 == 0 ? low1 : low0 - low1)
          store<T>(under + out + size, (h0 + hx + hy + hc) >> shift)
          store<T>(under + out, (h0 + hx - hy - hc) >> shift)
          store<T>(here + out + size, (h0 - hx + hy - hc) >> shift)
          store<T>(here + out, (h0 - hx - hy + hc) >> shift)
        } else if (paired || !last) {
          // An odd column or row at the edge: one difference only.
          const h = round<T>(load<T>(details + (paired ? below : half) + at), up1, down1, -bit1)
          const low1 = h & bit1
          h0 = h0 >= 0 ? h0 - low1 : h0 + low1
          store<T>(paired ? under + out : here + out + size, (h0 + h) >> shift)
          store<T>(here + out, (h0 - h) >> shift)
        } else store<T>(here + out, h0 >> shift)
      }
    }
    bit0 >>= 1
    const held = from
    from = to
    to = held
  }
}

// @ts-ignore: decorator
@inline function limit<T>(value: T, most: T): T {
  return max<T>(min<T>(value, most), -most)
}

/** A step along one axis from its neighbours' sums `before`, `here`, `after`, kept monotonic. */
function smoothed<T>(before: T, here: T, after: T, value: T, most: T): T {
  const highest = max<T>(min<T>(after - here, here - before), 0) << 2
  const lowest = min<T>(max<T>(after - here, here - before), 0) << 2
  if (lowest >= highest) return value
  const wanted = max<T>(min<T>(after - before, highest), lowest) - (value << 3)
  return value + limit<T>((wanted >= 0 ? wanted : wanted + 7) >> 3, most)
}

/** Moves the differences of one level towards a smooth surface through the sums, by at most half of `scale`. */
function smoothLevel<T>(
  coefficients: usize, sums: usize, rowBytes: usize, height: i32, width: i32, scale: i32,
): void {
  const size = sizeof<T>()
  const most = <T>(scale >> 1)
  if (most <= 0) return
  const sumBytes = (<usize>((width + 1) >> 1)) * size
  const right = sumBytes
  const below = (<usize>((height + 1) >> 1)) * rowBytes
  for (let i = 0; 2 * i < height; i++) {
    const s = sums + (<usize>i) * sumBytes
    const d = coefficients + (<usize>i) * rowBytes
    const innerRow = i > 0 && 2 * i < height - 2
    for (let j = 0; 2 * j < width; j++) {
      const at = (<usize>j) * size
      const h0 = load<T>(s + at)
      if (innerRow) {
        const hx = d + below + at
        store<T>(hx, smoothed<T>(load<T>(s + at - sumBytes), h0, load<T>(s + at + sumBytes), load<T>(hx), most))
      }
      const inner = j > 0 && 2 * j < width - 2
      if (inner) {
        const hy = d + right + at
        store<T>(hy, smoothed<T>(load<T>(s + at - size), h0, load<T>(s + at + size), load<T>(hy), most))
      }
      if (innerRow && inner) {
        const hc = d + below + right + at
        const around = s + at
        const hmm = load<T>(around - sumBytes - size)
        const hmp = load<T>(around - sumBytes + size)
        const hpm = load<T>(around + sumBytes - size)
        const hpp = load<T>(around + sumBytes + size)
        const hx2 = load<T>(d + below + at) << 1
        const hy2 = load<T>(d + right + at) << 1
        const highest =
          min<T>(
            min<T>(max<T>(hpp - h0, 0) - hx2 - hy2, max<T>(h0 - hpm, 0) + hx2 - hy2),
            min<T>(max<T>(h0 - hmp, 0) - hx2 + hy2, max<T>(hmm - h0, 0) + hx2 + hy2),
          ) << 4
        const lowest =
          max<T>(
            max<T>(min<T>(hpp - h0, 0) - hx2 - hy2, min<T>(h0 - hpm, 0) + hx2 - hy2),
            max<T>(min<T>(h0 - hmp, 0) - hx2 + hy2, min<T>(hmm - h0, 0) + hx2 + hy2),
          ) << 4
        if (lowest < highest) {
          const curve = max<T>(min<T>(hpp + hmm - hmp - hpm, highest), lowest) - (load<T>(hc) << 6)
          store<T>(hc, load<T>(hc) + limit<T>((curve >= 0 ? curve : curve + 63) >> 6, most))
        }
      }
    }
  }
}

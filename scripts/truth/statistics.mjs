// Statistics for scripts/accuracy: plain, in double precision, and none of the toolkit's own.

/** Sums of values as they come: count, mean, standard deviation, and how many are far out. */
export function tally(far = 5) {
  let [n, mean, squares, beyond] = [0, 0, 0, 0]
  return {
    add(value) {
      n++
      const step = value - mean
      mean += step / n
      squares += step * (value - mean)
      if (Math.abs(value) > far) beyond++
    },
    get count() {
      return n
    },
    get mean() {
      return mean
    },
    get deviation() {
      return Math.sqrt(squares / n)
    },
    get beyond() {
      return beyond
    },
    /** One sigma of the mean and of the deviation, for values that are independent and normal. */
    get meanError() {
      return Math.sqrt(squares / n / n)
    },
    get deviationError() {
      return Math.sqrt(squares / n / (2 * n))
    },
  }
}

/** The value in the middle. */
export function median(values) {
  const sorted = Float64Array.from(values).sort()
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Robust standard deviation: the scaled median of the distances from the median. */
export function robustDeviation(values) {
  const centre = median(values)
  return 1.4826022185056018 * median(values.map((value) => Math.abs(value - centre)))
}

/** Mean and deviation of what is within 4 deviations, five times over. */
export function clipped(values) {
  let kept = Float64Array.from(values)
  let [mean, deviation] = [0, 0]
  for (let pass = 0; pass < 5; pass++) {
    const sums = tally()
    for (const value of kept) sums.add(value)
    mean = sums.mean
    deviation = sums.deviation
    kept = kept.filter((value) => Math.abs(value - mean) <= 4 * deviation)
  }
  return { mean, deviation, count: kept.length }
}

/** The same numbers for one seed (mulberry32): to shuffle with. */
export function randomOf(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export function shuffled(values, seed) {
  const random = randomOf(seed)
  const out = [...values]
  for (let k = out.length - 1; k > 0; k--) {
    const j = Math.floor(random() * (k + 1))
    ;[out[k], out[j]] = [out[j], out[k]]
  }
  return out
}

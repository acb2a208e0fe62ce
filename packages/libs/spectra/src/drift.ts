import { LIGHT_SPEED, MAD_TO_SIGMA, median, solver } from '@nightpipe/math'
import { LineFlag, repeatError, type SpectralLine } from './find-lines.js'

/** How the lines of an exposure moved since the arc: Δx = shift + alongX u + acrossOrders v (px), u and v from −1 to 1. */
export interface Drift {
  /** px, in the middle of the detector */
  shift: number
  shiftError: number
  /** px from the middle to the end of orders, and from the middle to the last order; 0 where only the shift was asked for */
  alongX: number
  acrossOrders: number
  /** mean over the lines, as velocity of a source that would seem to move so, m/s: positive towards longer wavelengths */
  velocity: number
  velocityError: number
  /** of its error, what the lines of the arc brought: the same for all exposures that are compared with that arc, m/s */
  arcError: number
  /** pairs of lines used, and their scatter about the model in units of their errors */
  lines: number
  scatter: number
  /** pairs found, used or not */
  matched: number
  /** distance of the pairs from the model, root mean square, nm: of all that were found, and of those used */
  matchedNm?: number | undefined
  usedNm?: number | undefined
  /** middle and half range of order indices: what v is made of */
  middleOrder: number
  halfOrders: number
  width: number
}

export interface DriftOptions {
  width: number
  /** lines are the same when they are no further apart, px */
  reach: number
  /** also measure linear changes along x and over the orders */
  linear: boolean
  /** relative dispersion Δλ / λ per pixel at a line: gives the velocity */
  dispersion: (index: number, x: number) => number
  /** nm: for the distances of the pairs from the model */
  wavelength?: (index: number, x: number) => number
}

/**
 * The drift between an arc and an exposure through the same fibre, line by line: each pair weighs by the light of both,
 * with a floor from their scatter; pairs beyond 4 sigma are set aside. Undefined where fewer than five pairs agree.
 */
export function measureDrift(
  arc: readonly SpectralLine[],
  exposure: readonly SpectralLine[],
  options: DriftOptions,
): Drift | undefined {
  const pairs = pairsOf(arc, exposure, options.reach)
  const { width, dispersion, wavelength } = options
  const indices = pairs.map(({ line }) => line.index)
  const [low, high] = [Math.min(...indices), Math.max(...indices)]
  const frame = { width, middleOrder: (low + high) / 2, halfOrders: Math.max(0.5, (high - low) / 2) }
  const linear = options.linear && pairs.length >= 30
  let floor = 0
  let used = pairs
  for (let round = 0; round < 15; round++) {
    if (used.length < 5) return undefined
    const fit = solveDrift(used, floor, frame, linear)
    if (!fit) return undefined
    const pulls = pairs.map((pair) => Math.abs(pair.moved - fit.at(pair.line)) / Math.hypot(pair.error, floor))
    const scatter =
      MAD_TO_SIGMA *
      median(used.map((pair) => Math.abs(pair.moved - fit.at(pair.line)) / Math.hypot(pair.error, floor)))
    const within = pairs.filter((_, k) => pulls[k] < 4 * Math.max(1, scatter))
    const settled = within.length === used.length && scatter < 1.1
    used = within
    if (!settled && round < 14) {
      if (scatter > 1.05) floor = Math.hypot(floor, 0.5 * typicalError(used) * Math.sqrt(scatter * scatter - 1))
      continue
    }
    const [shift, alongX, acrossOrders] = fit.parameters
    const weight = used.map((pair) => 1 / (pair.error ** 2 + floor ** 2))
    const sum = weight.reduce((a, b) => a + b, 0)
    const mean = (of: (pair: Pair) => number) => used.reduce((total, pair, k) => total + weight[k] * of(pair), 0) / sum
    const perPixel = LIGHT_SPEED * mean(({ line }) => dispersion(line.index, line.x))
    const velocity = LIGHT_SPEED * mean(({ line }) => dispersion(line.index, line.x) * fit.at(line))
    const velocityError = Math.abs(perPixel) / Math.sqrt(sum)
    const ofArc = used.reduce((total, pair, k) => total + (weight[k] * pair.arcError) ** 2, 0)
    const arcError = (Math.abs(perPixel) * Math.sqrt(ofArc)) / sum
    const missNm = (some: readonly Pair[]) =>
      wavelength &&
      Math.sqrt(
        some.reduce((total, { line, moved }) => {
          const perPixel = dispersion(line.index, line.x) * wavelength(line.index, line.x)
          return total + ((moved - fit.at(line)) * perPixel) ** 2
        }, 0) / some.length,
      )
    return {
      ...{ matched: pairs.length, matchedNm: missNm(pairs), usedNm: missNm(used) },
      shift,
      shiftError: fit.error,
      alongX,
      acrossOrders,
      velocity,
      velocityError,
      arcError,
      lines: used.length,
      scatter,
      ...frame,
    }
  }
  return undefined
}

/**
 * The drift since several arcs, of which each counts by its share: what the lines of the exposure leave unknown is in all of them,
 * what those of the arcs do averages out.
 */
export function meanDrift(parts: readonly { drift: Drift; share: number }[]): Drift | undefined {
  const all = parts.reduce((sum, { share }) => sum + share, 0)
  if (!(all > 0)) return undefined
  const mean = (of: (drift: Drift) => number) =>
    parts.reduce((sum, { drift, share }) => sum + share * of(drift), 0) / all
  const nearest = parts.reduce((a, b) => (b.share > a.share ? b : a)).drift
  const arcError = Math.sqrt(parts.reduce((sum, { drift, share }) => sum + (share * drift.arcError) ** 2, 0)) / all
  const own = mean(({ velocityError, arcError: ofArc }) => Math.sqrt(Math.max(0, velocityError ** 2 - ofArc ** 2)))
  return {
    ...nearest,
    ...{ shift: mean(({ shift }) => shift), alongX: mean(({ alongX }) => alongX) },
    ...{ acrossOrders: mean(({ acrossOrders }) => acrossOrders), velocity: mean(({ velocity }) => velocity) },
    ...{ velocityError: Math.hypot(own, arcError), arcError },
  }
}

/** By how many pixels a place of the exposure moved since the arc. */
export function driftAt(drift: Drift, index: number, x: number): number {
  const u = (2 * x) / (drift.width - 1) - 1
  return drift.shift + drift.alongX * u + (drift.acrossOrders * (index - drift.middleOrder)) / drift.halfOrders
}

interface Pair {
  line: SpectralLine
  moved: number
  error: number
  /** the part of the arc in it */
  arcError: number
}

/** Lines of both that are nearest to one another, once the common shift is taken off; none with a flaw. */
function pairsOf(arc: readonly SpectralLine[], exposure: readonly SpectralLine[], reach: number): Pair[] {
  const good = (line: SpectralLine) => !(line.flags & ~LineFlag.blended)
  const byOrder = new Map<number, SpectralLine[]>()
  for (const line of arc.filter(good)) byOrder.set(line.index, [...(byOrder.get(line.index) ?? []), line])
  const pairs: Pair[] = []
  for (const line of exposure.filter(good)) {
    const near = (byOrder.get(line.index) ?? []).filter((other) => Math.abs(other.x - line.x) <= reach)
    // Two lines to choose from are one too many.
    if (near.length !== 1) continue
    const ratio = line.flux / near[0].flux
    if (!(ratio > 0)) continue
    const arcError = repeatError(near[0])
    pairs.push({ line, moved: line.x - near[0].x, error: Math.hypot(repeatError(line), arcError, 1e-4), arcError })
  }
  return pairs
}

const typicalError = (pairs: readonly Pair[]) => median(pairs.map(({ error }) => error))

function solveDrift(
  pairs: readonly Pair[],
  floor: number,
  frame: Pick<Drift, 'width' | 'middleOrder' | 'halfOrders'>,
  linear: boolean,
): { parameters: [number, number, number]; error: number; at: (line: SpectralLine) => number } | undefined {
  const n = linear ? 3 : 1
  const basis = ({ index, x }: SpectralLine) => [
    1,
    (2 * x) / (frame.width - 1) - 1,
    (index - frame.middleOrder) / frame.halfOrders,
  ]
  const normal = new Float64Array(n * n)
  const right = new Float64Array(n)
  for (const { line, moved, error } of pairs) {
    const weight = 1 / (error ** 2 + floor ** 2)
    const terms = basis(line)
    for (let i = 0; i < n; i++) {
      right[i] += weight * terms[i] * moved
      for (let j = 0; j < n; j++) normal[i * n + j] += weight * terms[i] * terms[j]
    }
  }
  try {
    const solved = solver(normal, n)
    const solution = solved(right)
    const unit = new Float64Array(n)
    unit[0] = 1
    const parameters: [number, number, number] = [solution[0], solution[1] ?? 0, solution[2] ?? 0]
    const at = (line: SpectralLine) => basis(line).reduce((sum, term, k) => sum + term * parameters[k], 0)
    return { parameters, error: Math.sqrt(solved(unit)[0]), at }
  } catch {
    return undefined
  }
}

// Fields of stars on a synthetic or real sky, as lists: what a camera would detect, what a catalogue would hold, and the
// truth. No code of the solver is used here: the camera has its own few lines of gnomonic projection.
import { random } from '../../packages/libs/math/dist/src/index.js'

const RADIANS = Math.PI / 180

/** East, north and outward at a direction. */
function axesAt(ra, dec) {
  const [sa, ca, sd, cd] = [Math.sin(ra), Math.cos(ra), Math.sin(dec), Math.cos(dec)]
  return { east: [-sa, ca, 0], north: [-sd * ca, -sd * sa, cd], out: [cd * ca, cd * sa, sd] }
}
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
const vectorOf = (ra, dec) => [
  Math.cos(dec * RADIANS) * Math.cos(ra * RADIANS),
  Math.cos(dec * RADIANS) * Math.sin(ra * RADIANS),
  Math.sin(dec * RADIANS),
]
const directionOf = ([x, y, z]) => [(Math.atan2(y, x) / RADIANS + 360) % 360, Math.atan2(z, Math.hypot(x, y)) / RADIANS]

/** A direction at random in a circle about another. */
function inCap(dice, axes, radius) {
  const cosine = 1 - dice.uniform() * (1 - Math.cos(radius * RADIANS))
  const [sine, turn] = [Math.sqrt(1 - cosine * cosine), 2 * Math.PI * dice.uniform()]
  const [e, n] = [sine * Math.cos(turn), sine * Math.sin(turn)]
  return [0, 1, 2].map((i) => e * axes.east[i] + n * axes.north[i] + cosine * axes.out[i])
}

/** There are 10^(SLOPE m) stars brighter than m; a camera sees them to LIMIT. */
const SLOPE = 0.35
const LIMIT = 16
const magnitude = (dice, faintest) => faintest + Math.log10(1 - dice.uniform()) / SLOPE

/** A camera at random, and where its pixels look. */
function camera(dice, { width, height, scale, distortion, mirrored }) {
  const direction = [360 * dice.uniform(), Math.asin(2 * dice.uniform() - 1) / RADIANS]
  const axes = axesAt(direction[0] * RADIANS, direction[1] * RADIANS)
  const turn = 2 * Math.PI * dice.uniform()
  const hand = (mirrored ?? dice.uniform() < 0.5) ? 1 : -1
  const [c, s] = [Math.cos(turn), Math.sin(turn)]
  const half = Math.hypot(width, height) / 2
  const perPixel = (scale / 3600) * RADIANS
  const centre = [(width - 1) / 2, (height - 1) / 2]
  const off = [0.1 * (dice.uniform() - 0.5) * width, 0.1 * (dice.uniform() - 0.5) * height]
  function toPixel(v) {
    const depth = dot(v, axes.out)
    if (depth <= 0.1) return undefined
    const [e, n] = [dot(v, axes.east) / depth / perPixel, dot(v, axes.north) / depth / perPixel]
    const [u, w] = [hand * (c * e + s * n), -s * e + c * n]
    // a lens: cubic about an axis that is not quite in the middle
    const square = ((u - off[0]) ** 2 + (w - off[1]) ** 2) / half ** 2
    return [centre[0] + u + distortion * square * (u - off[0]), centre[1] + w + distortion * square * (w - off[1])]
  }
  return { direction, axes, hand, toPixel, centre, half, perPixel }
}

/**
 * One field. `catalogueStars` that the frame is deep enough for are expected on it; a synthetic catalogue goes up to 1.5 mag
 * deeper than the frame. Of the detections the part `spurious` is nothing at all. `sky` is a
 * function that gives real stars { ra, dec, magnitude } within a circle, to use instead of random ones.
 */
export function starField(seed, wanted) {
  const dice = random(seed, 77)
  const { width = 2048, height = 2048, fieldDegrees, catalogueStars = 30, spurious = 1 / 3, noise = 0.1, sky } = wanted
  const scale = (2 * Math.tan((fieldDegrees / 2) * RADIANS) * 3600) / RADIANS / Math.max(width, height)
  const { distortion = 0.002 * (dice.uniform() - 0.3), offDegrees = 1, scaleError = 0.1, mirrored } = wanted
  const eye = camera(dice, { width, height, scale, distortion, mirrored })
  const reach = offDegrees * 2 + fieldDegrees * 0.75 + 0.1
  const stars = sky
    ? realSky(sky(...eye.direction, reach))
    : randomSky(dice, eye, reach, { catalogueStars, width, height, perPixel: eye.perPixel })
  const inside = (p) => p && p[0] >= 0 && p[0] <= width - 1 && p[1] >= 0 && p[1] <= height - 1
  const seen = []
  let held = 0
  for (const star of stars) {
    const p = eye.toPixel(star.v)
    if (!inside(p)) continue
    const instrumental = star.magnitude + 0.3 * dice.normal()
    if (instrumental > LIMIT && !sky) continue
    held++
    if (dice.uniform() < 0.05) continue // a bad column, a neighbour, a gap
    seen.push({ x: p[0] + noise * dice.normal(), y: p[1] + noise * dice.normal(), magnitude: instrumental, star })
  }
  const real = seen.length
  const false_ = Math.round((real * spurious) / (1 - spurious))
  for (let k = 0; k < false_; k++) {
    const like = seen[Math.floor(dice.uniform() * real)]
    seen.push({
      x: dice.uniform() * (width - 1),
      y: dice.uniform() * (height - 1),
      magnitude: (like?.magnitude ?? 10) + 0.5 * dice.normal(),
    })
  }
  seen.sort((a, b) => a.magnitude - b.magnitude)
  const hint = directionOf(inCap(dice, eye.axes, offDegrees))
  const off = 1 + scaleError * (2 * dice.uniform() - 1)
  return {
    ...{ seed, width, height, held, real, direction: eye.direction, scale, eye, stars, seen },
    hints: {
      ra: hint[0],
      dec: hint[1],
      radius: offDegrees * 1.0001,
      scale: [(scale * off) / (1 + scaleError), scale * off * (1 + scaleError)],
    },
    frame: { x: Float64Array.from(seen, (s) => s.x), y: Float64Array.from(seen, (s) => s.y) },
    /** What a catalogue gives within a circle, brightest first. */
    source(ra, dec, radius, most) {
      const [centre, cosine] = [vectorOf(ra, dec), Math.cos(Math.min(180, radius) * RADIANS)]
      const chosen = []
      for (const star of stars) {
        if (chosen.length >= most) break
        if (dot(star.v, centre) >= cosine) chosen.push(star)
      }
      return {
        ra: Float64Array.from(chosen, (s) => s.ra),
        dec: Float64Array.from(chosen, (s) => s.dec),
        magnitude: Float64Array.from(chosen, (s) => s.magnitude),
      }
    },
  }
}

function randomSky(dice, eye, reach, { catalogueStars, width, height, perPixel }) {
  const area = width * height * perPixel ** 2
  const cap = 2 * Math.PI * (1 - Math.cos(reach * RADIANS))
  const deeper = 1.5 * dice.uniform()
  const count = dice.poisson((catalogueStars * cap * 10 ** (SLOPE * deeper)) / area)
  const stars = []
  for (let k = 0; k < count; k++) {
    const v = inCap(dice, eye.axes, reach)
    const [ra, dec] = directionOf(v)
    stars.push({ v, ra, dec, magnitude: magnitude(dice, LIMIT + deeper) })
  }
  return stars.sort((a, b) => a.magnitude - b.magnitude)
}

/** Real stars with their vectors. */
const realSky = (stars) =>
  stars
    .map(({ ra, dec, magnitude: m }) => ({ v: vectorOf(ra, dec), ra, dec, magnitude: m }))
    .sort((a, b) => a.magnitude - b.magnitude)

/** How far a solution is from the truth over the frame: the worst of a net of pixels and the rms of its stars, pixels. */
export function errorsOf(field, wcs) {
  let [sum, n, worst] = [0, 0, 0]
  for (const star of field.stars) {
    const truth = field.eye.toPixel(star.v)
    if (!truth || truth[0] < 0 || truth[0] > field.width - 1 || truth[1] < 0 || truth[1] > field.height - 1) continue
    const p = wcs.toPixel(star.ra, star.dec)
    const error = p ? Math.hypot(p[0] - truth[0], p[1] - truth[1]) : 1e9
    sum += error ** 2
    n++
    worst = Math.max(worst, error)
  }
  return { rms: Math.sqrt(sum / Math.max(1, n)), worst, n }
}

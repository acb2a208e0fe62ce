// Alignment and stacking against the truth: ten dithered frames of one field, calibrated without error, whose stars are
// known in each of them.
import { join } from 'node:path'
import { column, numberOf, openFits, readFrame, readTable, textOf } from '@nightpipe/fits'
import { attempt, line } from './verdict.mjs'

const GROUP = 'Alignment and stacking: ten dithered frames, drifting and turning, seeing and airmass changing'
/** Fluxes are judged on this many nights: a stack of one has thirty bright stars, and they scatter by the photons of one frame. */
const NIGHTS = 12
const TRANSFORMS = 'simfield_SIMCAM.transforms.fits'
const SETTINGS = {
  ...{ 'bias.count': 0, 'dark.count': 0, 'flat.count': 0, 'files.calibrated': 'yes', 'files.light': 'yes' },
  ...{
    'filters.names': 'r',
    'filters.zero point': 24.4,
    'filters.sky': 20.9,
    'filters.colour': 0,
    'filters.fringes': 0,
  },
  ...{ 'field.frames': 10, 'events.movers': 0, 'field.faintest': 17.5 },
}

export function registration(shop, { size, cases }) {
  const side = cases === 1 ? 512 : Math.max(1024, size)
  const settings = { ...SETTINGS, 'field.stars': Math.round(600 * (side / 2048) ** 2) }
  return attempt(GROUP, 'alignment', () => {
    const nights = Array.from({ length: cases === 1 ? 1 : NIGHTS }, (_, k) => {
      const name = k === 0 ? 'registration' : `registration-${k + 1}`
      const night = shop.simulate(name, side, settings, 60 + k)
      const [aligned, deep] = [shop.path(`${name}-aligned`), shop.path(`${name}-deep`)]
      const done = shop.run('alignment', ['-s', join(night.folder, 'truth/calibrated'), '-r', aligned, '--quiet'])
      shop.run('stacking', ['-s', '-', '-r', deep, '--quiet'], { input: done.stdout })
      return { night, aligned, products: done.stdout, stack: join(deep, 'stack_simfield_r.fits') }
    })
    const [{ night, aligned, products, stack }] = nights
    return [...places(night, aligned, products), ...depth(night, aligned, stack), fluxes(nights)]
  })
}

const tableIn = (path, name) => {
  const file = openFits(path)
  const table = readTable(file.hdus.find((hdu) => hdu.name === name))
  file.close()
  return (column_, k) => column(table, column_).values[k]
}
/** The frame on whose grid the others were brought. */
function gridOf(folder) {
  const file = openFits(join(folder, TRANSFORMS))
  const name = textOf(file.hdus[0].header, 'ALIGNREF')
  file.close()
  return name
}
const steady = (stars) => stars.filter(({ kind }) => kind === 'star')
const frameNamed = (night, name) => night.objects.find((frame) => name.startsWith(frame.name))

/** Where the transformations bring the stars of the reference, from where they are. */
function places(night, folder, products) {
  const list = products.trim().split('\n')
  const cell = tableIn(join(folder, TRANSFORMS), 'TRANSFORMS')
  const reference = gridOf(folder)
  const [width] = [readFrame(list[0]).width]
  const from = steady(night.stars(frameNamed(night, reference)))
  const inside = ({ x_px: x, y_px: y }) => x > 0 && y > 0 && x < width && y < width
  const offs = night.objects.flatMap((_, k) => {
    const name = String(cell('FILE', k)).trim()
    if (name === reference) return []
    const map = JSON.parse(cell('MAP', k))
    if (!map.affine) return []
    const [a, b, c, d, e, f] = map.affine
    const to = new Map(steady(night.stars(frameNamed(night, name))).map((star) => [star.id, star]))
    const squares = from.flatMap((star) => {
      const other = to.get(star.id)
      if (!other || !inside(star) || !inside(other)) return []
      const [x, y] = [Number(star.x_px), Number(star.y_px)]
      return [(a * x + b * y + c - other.x_px) ** 2 + (d * x + e * y + f - other.y_px) ** 2]
    })
    return [Math.sqrt(squares.reduce((sum, s) => sum + s, 0) / squares.length)]
  })
  offs.sort((p, q) => p - q)
  const unit = ' px'
  return [
    line(GROUP, 'frames aligned', list.length, { limit: { least: 10 } }),
    line(GROUP, 'transformation from the truth, rms over the frame, median of the frames', offs[offs.length >> 1], {
      ...{ unit, limit: { most: 0.01 }, target: { most: 0.003 } },
    }),
    line(GROUP, 'the same, worst frame', offs[offs.length - 1], { unit, limit: { most: 0.02 } }),
  ]
}

/** The noise of the stack. */
function depth(night, aligned, path) {
  const stack = readFrame(path)
  const cell = tableIn(path, 'FRAMES')
  const level = numberOf(stack.header, 'SKYLEV')
  const stars = night.stars(frameNamed(night, gridOf(aligned)))
  const dark = blank(stack, stars)
  const singles = night.objects.map((frame, k) => {
    const own = readFrame(join(night.folder, 'truth/calibrated', `${frame.name}.fits`))
    return cell('SCALE', k) * noiseOf(blank(own, night.stars(frame)), (p) => own.pixels[p])
  })
  const ideal = 1 / Math.sqrt(singles.reduce((sum, s) => sum + 1 / s ** 2, 0))
  const noise = noiseOf(dark, (p) => stack.pixels[p]) * numberOf(stack.header, 'NOISEFAC')
  const pulls = noiseOf(dark, (p) => (stack.pixels[p] - level) / stack.error[p])
  return [
    line(GROUP, 'noise of the stack over that of the ideal weighted mean (NOISEFAC counted)', noise / ideal, {
      ...{ limit: { most: 1.05 }, target: { most: 1.03 } },
    }),
    line(GROUP, 'sky pixels of the stack over their errors, standard deviation', pulls, {
      limit: { least: 0.93, most: 1.07 },
    }),
  ]
}

/** What the truth of a frame marks where a satellite went, and where a pixel is full. */
const SPOILT = 128 | 2

/** Bright stars in the stacks, over the light that the frames had of them, scaled and weighted as the stack says. */
function fluxes(nights) {
  const ratios = nights.flatMap(({ night, aligned, stack: path }) => {
    const stack = readFrame(path)
    const cell = tableIn(path, 'FRAMES')
    const reference = frameNamed(night, textOf(stack.header, 'STACKREF'))
    const byId = (frame) => new Map(night.stars(frame).map((star) => [star.id, star]))
    const onGrid = byId(frameNamed(night, gridOf(aligned)))
    const frames = night.objects.map((_, k) => {
      const frame = frameNamed(night, String(cell('FILE', k)).trim())
      const spoilt = { ...stack, pixels: night.mask(frame).map((bits) => bits & SPOILT) }
      return {
        light: night.light(frame),
        seconds: frame.seconds,
        weight: cell('WEIGHT', k),
        stars: byId(frame),
        spoilt,
      }
    })
    const whole = ({ id }) =>
      frames.every(({ stars, spoilt }) => {
        const star = stars.get(id)
        return isInside(star, stack.width) && circle(spoilt, star, 16) === 0
      })
    return lonely(night.stars(reference), stack.width)
      .filter(
        ({ kind, id, flux }) =>
          kind === 'star' && flux > 4e4 && flux < 4e5 && isInside(onGrid.get(id), stack.width) && whole({ id }),
      )
      .map(({ id, flux }) => {
        const expected = weightedMean(frames, ({ light, seconds, stars }) => {
          const star = stars.get(id)
          return (circle(light, star, 16) * seconds * flux) / star.flux
        })
        return { ratio: circle(stack, onGrid.get(id), 16) / expected, weight: expected, night }
      })
  })
  const mean = weightedMean(ratios, ({ ratio }) => ratio)
  // all stars of a night share the noise of its reference, to which the others are scaled
  const means = nights.map(({ night }) => {
    const own = ratios.filter((one) => one.night === night)
    return weightedMean(own, ({ ratio }) => ratio)
  })
  const error = Math.sqrt(
    means.reduce((sum, one) => sum + (one - mean) ** 2, 0) / means.length / Math.max(1, means.length - 1),
  )
  return line(GROUP, 'star fluxes of the stacks over what their frames had of them, minus 1', mean - 1, {
    ...{
      size: 'absolute',
      limit: { most: 2e-3 },
      target: { most: 1e-3 },
      note: `± ${error.toFixed(4)}, ${ratios.length} stars of ${nights.length} nights`,
    },
  })
}

const weightedMean = (all, value) =>
  all.reduce((sum, one) => sum + one.weight * value(one), 0) / all.reduce((sum, { weight }) => sum + weight, 0)

/** Pixels far from every star. */
function blank({ pixels, width, height }, stars) {
  const taken = new Uint8Array(pixels.length)
  for (const { x_px, y_px, flux } of stars) {
    const reach = flux > 2e4 ? 40 : 14
    for (let y = Math.max(0, Math.round(y_px) - reach); y <= Math.min(height - 1, Number(y_px) + reach); y++) {
      for (let x = Math.max(0, Math.round(x_px) - reach); x <= Math.min(width - 1, Number(x_px) + reach); x++) {
        taken[y * width + x] = 1
      }
    }
  }
  const edge = Math.ceil(width / 12)
  return Array.from(pixels.keys()).filter((p) => {
    const [x, y] = [p % width, Math.floor(p / width)]
    const inner = x > edge && y > edge && x < width - edge && y < height - edge
    return inner && taken[p] === 0 && Number.isFinite(pixels[p])
  })
}

/** From pixels nine apart, which share no noise but all of the sky's slopes. */
function noiseOf(places, value) {
  const all = new Set(places)
  return scatter(places.filter((p) => all.has(p + 9)).map((p) => value(p) - value(p + 9))) / Math.SQRT2
}

function scatter(values) {
  const middle = median(values)
  return 1.4826 * median(values.map((value) => Math.abs(value - middle)))
}
const median = (values) => Float64Array.from(values).sort()[values.length >> 1]

/** Where a circle and its ring lie on the frame. */
const isInside = (star, width) => star && Math.min(star.x_px, star.y_px, width - star.x_px, width - star.y_px) > 45

const lonely = (stars, width) =>
  stars.filter(
    (a) =>
      isInside(a, width) &&
      stars.every((b) => a === b || b.flux < 0.01 * a.flux || Math.hypot(a.x_px - b.x_px, a.y_px - b.y_px) > 45),
  )

function circle({ pixels, width }, { x_px, y_px }, radius) {
  const ring = []
  let [sum, n] = [0, 0]
  for (let y = Math.floor(y_px) - 36; y <= Number(y_px) + 36; y++) {
    for (let x = Math.floor(x_px) - 36; x <= Number(x_px) + 36; x++) {
      const r = Math.hypot(x - x_px, y - y_px)
      if (r > 25 && r < 35) ring.push(pixels[y * width + x])
      if (r > radius) continue
      sum += pixels[y * width + x]
      n++
    }
  }
  return sum - n * median(ring)
}

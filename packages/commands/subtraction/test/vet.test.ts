import { join } from 'node:path'
import { column, createHeader, openFits, readFrame, readTable, setCard, writeFits } from '@nightpipe/fits'
import { MaskBit } from '@nightpipe/image'
import t from 'tap'
import { saturatedPlaces } from '../src/vet.js'
import { type FieldOptions, run, starsOf, writeField } from './support/field.js'

const BASE: FieldOptions = { width: 320, height: 300, fwhm: 3.6, sky: 250, gain: 2, readNoise: 5, seed: 1 }
const STARS = starsOf(100, 320, 300, [2e5, 500])

/** Pixels of a track, about a place. */
const TRACK = [
  [0, 0],
  [0, 1],
  [1, 1],
  [1, 2],
] as const

/**
 * The least error of a flux in the difference of two undersampled frames, 1.7 and 1.6 px wide, computed with numpy from the
 * transforms of the two profiles (Zackay et al. 2016, ApJ 830, 27).
 */
const LEAST_ERROR = 52.7

/** Candidates near a place, with what speaks against them. */
function near(path: string, x: number, y: number) {
  const file = openFits(path)
  try {
    const table = readTable(file.hdus.find(({ name }) => name === 'CANDIDATES')!)
    const [xs, ys, scores] = ['X', 'Y', 'SCORE'].map((name) => column(table, name)!.values as Float64Array)
    const reasons = column(table, 'REASONS')!.values as string[]
    const kinds = column(table, 'KIND')!.values as string[]
    return reasons
      .map((text, k) => ({
        away: Math.hypot(xs![k]! - 1 - x, ys![k]! - 1 - y),
        score: scores![k]!,
        reasons: text.trim(),
        kind: kinds[k]!.trim(),
      }))
      .filter(({ away }) => away < 3)
  } finally {
    file.close()
  }
}

/** Changes the pixels of a frame by hand. */
function spoil(path: string, change: (pixels: Float32Array, width: number) => void): void {
  const { pixels, header, width, height } = readFrame(path)
  change(pixels, width)
  writeFits(path, [{ kind: 'image', header, bitpix: -32, axes: [width, height], pixels }])
}

t.test('what is no star is listed with what speaks against it', async (t) => {
  const cwd = t.testdir({ in: {} })
  const path = join(cwd, 'in/n.fits')
  const shifted = { x: 160.3, y: 150.2, flux: 60000 }
  const saturated = { x: 250.5, y: 60.5, flux: 3e6 }
  const edge = { x: 100, y: 1, flux: 6000 }
  const good = { x: 60.2, y: 220.6, flux: 4000 }
  const gone = { x: 200.1, y: 240.7, flux: 5000 }
  const more = [{ ...shifted, x: shifted.x + 0.5 }, saturated, edge, good]
  writeField(path, STARS, { ...BASE, more })
  writeField(join(cwd, 'r.fits'), STARS, { ...BASE, fwhm: 3, seed: 2, more: [shifted, saturated, gone] })
  spoil(path, (pixels, width) => {
    pixels[100 * width + 40]! += 900 // a cosmic ray
    pixels[101 * width + 40]! += 200
  })
  const { status, stderr } = run(['-s', 'in', '-r', 'out', '--set', 'reference.file=r.fits'], cwd)
  t.equal(status, 0, stderr)
  const list = join(cwd, 'out/n.candidates.fits')
  t.match(near(list, 40, 100)[0]!.reasons, /cosmic ray/)
  t.ok(
    near(list, shifted.x, shifted.y).every(({ reasons }) => /dipole|residual/.test(reasons)),
    'a star that has moved',
  )
  t.ok(near(list, saturated.x, saturated.y).every(({ reasons }) => /saturated/.test(reasons)))
  t.match(near(list, edge.x, edge.y)[0]!.reasons, /edge/)
  t.same(
    near(list, good.x, good.y).map(({ reasons, kind }) => [reasons, kind]),
    [['', 'new']],
  )
  const [lost] = near(list, gone.x, gone.y)
  t.ok(lost!.score < -5.5 && lost!.reasons === '' && lost!.kind === 'faded', 'what has gone is found too')
})

t.test('a column that sees nothing does not drown what lies beside it', async (t) => {
  const cwd = t.testdir({ in: {} })
  const path = join(cwd, 'in/n.fits')
  const [beside, far] = [
    { x: 152.4, y: 120.6, flux: 2500 },
    { x: 60.2, y: 220.6, flux: 2500 },
  ]
  writeField(path, STARS, { ...BASE, more: [beside, far], error: true })
  writeField(join(cwd, 'r.fits'), STARS, { ...BASE, fwhm: 3, seed: 2, error: true })
  const { pixels, error, header, width, height } = readFrame(path)
  const mask = new Int16Array(pixels.length)
  for (let p = 149; p < pixels.length; p += width) {
    // divided by next to nothing
    pixels[p] = 30_000
    error![p] = 50_000
    mask[p] = MaskBit.bad
  }
  const axes = [width, height]
  writeFits(path, [
    { kind: 'image', header, bitpix: -32, axes, pixels },
    { kind: 'image', name: 'ERR', bitpix: -32, axes, pixels: error! },
    { kind: 'image', name: 'MASK', bitpix: 16, axes, pixels: mask },
  ])
  const { status, stderr } = run(['-s', 'in', '-r', 'out', '--set', 'reference.file=r.fits'], cwd)
  t.equal(status, 0, stderr)
  const scores = [beside, far].map(({ x, y }) => near(join(cwd, 'out/n.candidates.fits'), x, y)[0])
  t.same(
    scores.map((one) => one?.reasons),
    ['', ''],
  )
  t.ok(scores[0]!.score > 0.7 * scores[1]!.score, `${scores[0]!.score} and ${scores[1]!.score} sigma`)
})

t.test('a satellite across the new frame does not hide what is far from its trail', async (t) => {
  const cwd = t.testdir({ in: {} })
  const path = join(cwd, 'in/n.fits')
  const source = { x: 60.2, y: 220.6, flux: 2500 }
  const few = STARS.slice(0, 40)
  writeField(path, few, { ...BASE, more: [source] })
  writeField(join(cwd, 'r.fits'), few, { ...BASE, fwhm: 3, seed: 2 })
  const scoreOf = (output: string) => {
    const { status, stderr } = run(['-s', 'in', '-r', output, '--set', 'reference.file=r.fits'], cwd)
    t.equal(status, 0, stderr)
    return near(join(cwd, output, 'n.candidates.fits'), source.x, source.y)[0]
  }
  const before = scoreOf('clear')!
  spoil(path, (pixels, width) => {
    for (let p = 0; p < pixels.length; p++) {
      const away = (0.4 * (p % width) + 20 - Math.floor(p / width)) / Math.hypot(1, 0.4)
      pixels[p]! += 900 * Math.exp((-away * away) / 8)
    }
  })
  const after = scoreOf('crossed')
  t.equal(after?.reasons, '')
  t.ok(after && after.score > 0.9 * before.score, `${before.score} and ${after?.score} sigma`)
})

t.test('light all round a bright star is what the star leaves, the same light at one place is believed', async (t) => {
  const cwd = t.testdir({ in: {} })
  const [ringed, plain] = [
    { x: 90.4, y: 80.2, flux: 400_000 },
    { x: 230.3, y: 210.6, flux: 400_000 },
  ]
  const beside = ({ x, y }: { x: number; y: number }, turn: number) => {
    const angle = (turn * Math.PI) / 3
    return { x: x + 9.4 * Math.cos(angle), y: y + 9.4 * Math.sin(angle), flux: 2500 }
  }
  const ring = Array.from({ length: 6 }, (_, k) => beside(ringed, k))
  const one = beside(plain, 2)
  const far = STARS.filter(({ x, y }) => [ringed, plain].every((star) => Math.hypot(star.x - x, star.y - y) > 30))
  writeField(join(cwd, 'in/n.fits'), far, { ...BASE, more: [ringed, plain, one, ...ring] })
  writeField(join(cwd, 'r.fits'), far, { ...BASE, fwhm: 3, seed: 2, more: [ringed, plain] })
  const { status, stderr } = run(['-s', 'in', '-r', 'out', '--set', 'reference.file=r.fits'], cwd)
  t.equal(status, 0, stderr)
  const list = join(cwd, 'out/n.candidates.fits')
  for (const { x, y } of ring) t.match(near(list, x, y)[0]?.reasons ?? 'residual: under the threshold', /residual/)
  t.equal(near(list, one.x, one.y)[0]!.reasons, '')
})

t.test('a short track of a particle, no pixel of which stands out by much, is none', async (t) => {
  const cwd = t.testdir({ in: {} })
  const path = join(cwd, 'in/n.fits')
  writeField(path, STARS, BASE)
  writeField(join(cwd, 'r.fits'), STARS, { ...BASE, fwhm: 3, seed: 2 })
  const places = [
    [60, 220],
    [200, 240],
    [40, 100],
  ] as const
  spoil(path, (pixels, width) => {
    for (const [x, y] of places) for (const [u, v] of TRACK) pixels[(y + v) * width + x + u]! += 95
  })
  t.equal(run(['-s', 'in', '-r', 'out', '--set', 'reference.file=r.fits'], cwd).status, 0)
  for (const [x, y] of places) {
    const [found] = near(join(cwd, 'out/n.candidates.fits'), x, y)
    t.match(found?.reasons, /cosmic ray/, `score ${found?.score}`)
  }
})

t.test('a faint straight track is none, wherever it goes', async (t) => {
  const cwd = t.testdir({ in: {} })
  const path = join(cwd, 'in/n.fits')
  writeField(path, STARS, BASE)
  writeField(join(cwd, 'r.fits'), STARS, { ...BASE, fwhm: 3, seed: 2 })
  const tracks = [
    { x: 60, y: 220, slope: [1, 0] },
    { x: 200, y: 240, slope: [0, 1] },
    { x: 240, y: 130, slope: [1, 0.2] },
  ] as const
  spoil(path, (pixels, width) => {
    for (const { x, y, slope } of tracks)
      for (let k = -3; k <= 3; k++) pixels[(y + Math.round(k * slope[1])) * width + x + k * slope[0]]! += 66
  })
  t.equal(run(['-s', 'in', '-r', 'out', '--set', 'reference.file=r.fits'], cwd).status, 0)
  for (const { x, y } of tracks) {
    const [found] = near(join(cwd, 'out/n.candidates.fits'), x, y)
    t.match(found?.reasons, /cosmic ray/, `score ${found?.score}`)
  }
})

t.test('hot pixels of the reference are no faded stars, though its kernel makes them look like stars', async (t) => {
  const cwd = t.testdir({ in: {} })
  const gone = { x: 250.2, y: 140.3, flux: 4000 }
  writeField(join(cwd, 'in/n.fits'), STARS, { ...BASE, fwhm: 4.4 })
  writeField(join(cwd, 'r.fits'), STARS, { ...BASE, fwhm: 2.6, seed: 2, shift: [0.2, -0.1], more: [gone] })
  const hot = [
    [60, 220],
    [200, 240],
    [40, 100],
  ] as const
  spoil(join(cwd, 'r.fits'), (pixels, width) => {
    for (const [x, y] of hot) pixels[y * width + x]! += 1500
  })
  t.equal(run(['-s', 'in', '-r', 'out', '--set', 'reference.file=r.fits'], cwd).status, 0)
  const list = join(cwd, 'out/n.candidates.fits')
  for (const [x, y] of hot) t.match(near(list, x, y)[0]?.reasons, /cosmic ray/)
  t.same(
    near(list, gone.x + 0.2, gone.y - 0.1).map(({ reasons, kind }) => [reasons, kind]),
    [['', 'faded']],
  )
})

t.test('sources of an undersampled frame are found wherever in a pixel they lie', async (t) => {
  const cwd = t.testdir({ in: {} })
  const narrow = { ...BASE, fwhm: 1.7, width: 400, height: 400 }
  const more = Array.from({ length: 49 }, (_, k) => ({
    ...{ x: 35.5 + 55 * (k % 7), y: 35.5 + 55 * Math.floor(k / 7) },
    flux: 8 * LEAST_ERROR,
  }))
  const stars = starsOf(150, 400, 400, [2e5, 500], 4)
  const apart = stars.filter((star) => more.every(({ x, y }) => Math.hypot(star.x - x, star.y - y) > 12))
  writeField(join(cwd, 'in/n.fits'), apart, { ...narrow, more })
  writeField(join(cwd, 'r.fits'), apart, { ...narrow, fwhm: 1.6, seed: 2 })
  t.equal(run(['-s', 'in', '-r', 'out', '--set', 'reference.file=r.fits'], cwd).status, 0)
  const found = more.filter(({ x, y }) =>
    near(join(cwd, 'out/n.candidates.fits'), x, y).some(({ reasons }) => !reasons),
  )
  // of Gaussian scores about 8 minus what pixels and a model of the profile cost, 5.5 and more
  t.ok(found.length >= 44, `${found.length} of 49`)
})

t.test('masked pixels of either frame are those of the difference, and nothing on them is believed', async (t) => {
  const cwd = t.testdir({ in: {} })
  const path = join(cwd, 'in/n.fits')
  const hidden = { x: 120, y: 130, flux: 5000 }
  writeField(path, STARS, { ...BASE, more: [hidden] })
  writeField(join(cwd, 'r.fits'), STARS, { ...BASE, fwhm: 3, seed: 2 })
  const { pixels, header, width, height } = readFrame(path)
  const mask = new Int16Array(pixels.length)
  for (let y = 128; y < 133; y++) mask.fill(1, y * width + 119, y * width + 122)
  const axes = [width, height]
  writeFits(path, [
    { kind: 'image', header, bitpix: -32, axes, pixels },
    { kind: 'image', name: 'MASK', header: createHeader(), bitpix: 16, axes, pixels: mask },
  ])
  t.equal(run(['-s', 'in', '-r', 'out', '--set', 'reference.file=r.fits'], cwd).status, 0)
  const difference = readFrame(join(cwd, 'out/n.diff.fits'))
  t.ok((difference.mask![130 * width + 120]! & 1) !== 0)
  t.ok(near(join(cwd, 'out/n.candidates.fits'), 120, 130).every(({ reasons }) => /masked/.test(reasons)))
})

t.test('frames without stars are refused in one line, whatever the method', async (t) => {
  const cwd = t.testdir({ in: {} })
  writeField(join(cwd, 'in/n.fits'), [], { ...BASE, width: 120, height: 100 })
  writeField(join(cwd, 'r.fits'), [], { ...BASE, width: 120, height: 100, seed: 2 })
  for (const [registration, method] of [
    ['auto', 'alard'],
    ['none', 'alard'],
    ['none', 'zogy'],
  ]) {
    const set = ['reference.file=r.fits', `registration.method=${registration}`, `subtraction.method=${method}`]
    const { status, stderr } = run(['-s', 'in', '-r', 'out', ...set.flatMap((value) => ['--set', value])], cwd)
    t.equal(status, 3, `${registration}, ${method}: ${stderr}`)
    t.match(stderr, /n\.fits.*(do not match|no star is good enough)/)
  }
})

t.test('where frames of a reference are missing, what is less than its light there is not believed', async (t) => {
  const cwd = t.testdir({ in: {} })
  const places = [
    [60.3, 220.4],
    [160.2, 150.5],
    [250.4, 60.3],
    [125.4, 110.3],
  ] as const
  const [fresh, faint, bright] = [
    { x: 160.4, y: 60.2, flux: 4000 },
    { x: 159.8, y: 250.3, flux: 6000 },
    { x: 159.8, y: 250.3, flux: 20_000 },
  ]
  const here = [...places, [fresh.x, fresh.y], [faint.x, faint.y]] as const
  const far = STARS.filter((star) => here.every(([x, y]) => Math.hypot(star.x - x, star.y - y) > 20))
  const stars = (flux: number) => places.map(([x, y]) => ({ x, y, flux }))
  writeField(join(cwd, 'in/n.fits'), far, { ...BASE, more: [...stars(24_000), fresh, bright] })
  writeField(join(cwd, 'r.fits'), far, { ...BASE, fwhm: 3, seed: 2, more: [...stars(20_000), faint] })
  const { pixels, header, width, height } = readFrame(join(cwd, 'r.fits'))
  const coverage = Int16Array.from(pixels, (_, p) => (p % width >= 90 && p % width < 160 ? 2 : 4))
  for (const p of [60 * width + 250, 61 * width + 250, 61 * width + 251]) coverage[p] = 3 // a particle
  const name = createHeader([])
  setCard(name, 'EXTNAME', 'COVERAGE')
  writeFits(join(cwd, 'r.fits'), [
    { kind: 'image', header, bitpix: -32, axes: [width, height], pixels },
    { kind: 'image', header: name, bitpix: 16, axes: [width, height], pixels: coverage },
  ])
  const { status, stderr } = run(['-s', 'in', '-r', 'out', '--set', 'reference.file=r.fits'], cwd)
  t.equal(status, 0, stderr)
  const reasons = (x: number, y: number) => near(join(cwd, 'out/n.candidates.fits'), x, y).map((one) => one.reasons)
  t.same(reasons(...places[0]), [''], 'a variable star away from the seam')
  t.same(reasons(...places[1]), ['seam'], 'the same on it')
  t.same(reasons(...places[2]), [''], 'the same where a frame lacks three pixels')
  t.same(reasons(...places[3]), ['seam'], 'the same where frames are missing all about')
  t.same(reasons(fresh.x, fresh.y), [''], 'a new one on empty sky')
  t.same(reasons(bright.x, bright.y), [''], 'one far brighter than what was there')
})

t.test('a bad column that is full is no saturated star', async (t) => {
  const [width, height] = [60, 50]
  const mask = new Int16Array(width * height)
  for (let y = 0; y < height; y += 2) mask[y * width + 20] = MaskBit.bad | MaskBit.saturated
  for (let y = 30; y < 33; y++) mask.fill(MaskBit.saturated, y * width + 40, y * width + 43)
  const places = saturatedPlaces({ mask, difference: { width } as never })
  t.same(
    places.map(({ x, y }) => [x, y]),
    [[41, 31]],
  )
})

import t from 'tap'
import {
  amplitudeRows,
  candidateName,
  contentOf,
  detectionRows,
  fitPowerLaw,
  fitRows,
  lightCurveRows,
  type Observation,
  positionRows,
  type Results,
  withLegacyZeros,
} from '../src/index.js'

const T0 = 59000
const at = (seconds: number) => T0 + seconds / 86400
const near = (a: unknown, b: number, within = 1e-6) => Math.abs(Number(a) - b) < within

/** m = 18 + 2.5 * 1.2 log10(t / 100 s), seen in r at four times, not seen in z. */
function results(): Results {
  const seen = [60, 110, 160, 210, 400].map((start, k): Observation => {
    const mag = 18 + 2.5 * 1.2 * Math.log10((start + 15) / 100)
    return {
      candidate: 'J032655_463900',
      filter: 'r',
      startMjd: at(start),
      endMjd: at(start + 30),
      exposureSeconds: 30,
      detected: true,
      mag,
      magError: 0.05,
      snr: 20,
      imageId: `r${k}`,
    }
  })
  const unseen = [95, 145, 500].map(
    (start): Observation => ({
      ...{
        candidate: 'J032655_463900',
        filter: 'z',
        startMjd: at(start),
        endMjd: at(start + 150),
        exposureSeconds: 150,
        detected: false,
      },
      ...{ upperLimit: 19.5 + start / 1000, imageId: `z${start}` },
    }),
  )
  return {
    burst: { burstId: 'sb20060201', triggerMjd: T0, instrument: 'FGFT', filters: ['g', 'r', 'z'] },
    candidates: [{ name: 'J032655_463900', ra: 51.729, dec: 46.65 }],
    observations: [...seen, ...unseen].sort((a, b) => a.startMjd - b.startMjd),
  }
}

t.test('candidates are called by their position, cut off, with a minus in the south', async (t) => {
  t.equal(candidateName(51.72917, 46.65), 'J032655_463900')
  t.equal(candidateName(0, -0.5), 'J000000-003000')
  t.equal(candidateName(359.99999, 89.99999), 'J235959_895959')
})

t.test('DT has a row for each filter, with its first detection, and nothing where there is none', async (t) => {
  const rows = detectionRows(results())
  t.match(
    rows.map(({ FILTER }) => FILTER),
    ['g', 'r', 'z'],
  )
  t.ok(near(rows[1]!.DELTAT, 60))
  t.equal(rows[1]!.DT_MJD, at(60))
  t.equal(rows[1]!.IMAGEID, 'r0')
  for (const k of [0, 2])
    t.same([rows[k]!.DT, rows[k]!.DT_MJD, rows[k]!.MAG, rows[k]!.RA], [undefined, undefined, undefined, undefined])
})

t.test('no candidate: DT still has its rows, the others none with values, and the header says 0', async (t) => {
  const none = { ...results(), candidates: [], observations: [] }
  t.equal(detectionRows(none).length, 3)
  t.same(positionRows(none), [])
  t.same(
    fitRows(none).map(({ FITINDEX }) => FITINDEX),
    [undefined, undefined, undefined],
  )
  t.equal(contentOf('DT', 'T', none, { creator: 'x', pipelineVersion: '1', processing: 1 }).cards.CANDNUMB, 0)
})

t.test('positions come with galactic coordinates (J2000 pole: b = 90)', async (t) => {
  const [pole] = positionRows({ ...results(), candidates: [{ name: 'pole', ra: 192.85948, dec: 27.12825 }] })
  t.ok(near(pole!.BII, 90, 1e-3))
  const [centre] = positionRows({ ...results(), candidates: [{ name: 'centre', ra: 266.40499, dec: -28.93617 }] })
  t.ok(near(centre!.BII, 0, 1e-3) && near(Math.sin((Number(centre!.LII) * Math.PI) / 180), 0, 1e-4))
})

t.test('QF gives the first detection, or the deepest limit of more than 300 s', async (t) => {
  const [g, r, z] = amplitudeRows(results())
  t.same([g!.MAG, g!.UPLIM], [undefined, undefined])
  t.ok(near(r!.TSTART, 60) && near(r!.TSTOP, 90) && r!.EXPTIME === 30)
  t.same([z!.MAG, z!.UPLIM], [undefined, 20])
})

t.test('light curves are sorted by filter and time; the quick one ends after 300 s', async (t) => {
  const all = lightCurveRows(results())
  t.same(
    all.map(({ FILTER }) => FILTER),
    ['r', 'r', 'r', 'r', 'r', 'z', 'z', 'z'],
  )
  t.same(
    all.map(({ DETECTED }) => DETECTED),
    [1, 1, 1, 1, 1, 0, 0, 0],
  )
  t.ok(all.every(({ MAG, UPLIM, DETECTED }) => (DETECTED ? UPLIM === undefined : MAG === undefined)))
  t.equal(lightCurveRows(results(), 'quick').length, 6)
})

t.test('the power law of the first four detections is found, and nulls stand where it cannot be', async (t) => {
  const rows = fitRows(results())
  t.ok(near(rows[1]!.FITINDEX, 1.2) && near(rows[1]!.FITNORM, 10 ** (-0.4 * 18), 1e-12) && near(rows[1]!.FITCHI2, 0))
  t.ok(near(rows[1]!.TFITSTART, 60) && near(rows[1]!.TFITSTOP, 240))
  t.same(
    ['TFITSTOP', 'FITNORM', 'FITINDEX', 'ERFITINDEX', 'FITCHI2'].map((name) => rows[2]![name]),
    Array(5).fill(undefined),
  )
  t.equal(fitPowerLaw([100], [18], [0.1]), undefined)
  t.equal(fitPowerLaw([100, 100], [18, 18.1], [0.1, 0.1]), undefined)
})

t.test('the error of the index is the scatter of many noisy fits', async (t) => {
  let seed = 1
  const uniform = () => {
    seed = (seed * 16807) % 2147483647
    return seed / 2147483647
  }
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
  const seconds = [70, 120, 180, 250]
  const fits = Array.from({ length: 2000 }, () =>
    fitPowerLaw(
      seconds,
      seconds.map((s) => 17 + 3 * Math.log10(s / 100) + 0.04 * normal()),
      [0.04, 0.04, 0.04, 0.04],
    ),
  )
  const mean = fits.reduce((sum, fit) => sum + fit!.index, 0) / fits.length
  const scatter = Math.sqrt(fits.reduce((sum, fit) => sum + (fit!.index - mean) ** 2, 0) / fits.length)
  // 2000 fits: the scatter is known to 1.6 %
  t.ok(Math.abs(scatter / fits[0]!.indexError - 1) < 0.05, `${scatter / fits[0]!.indexError}`)
  t.ok(Math.abs(mean - 1.2) < (4 * scatter) / Math.sqrt(2000))
})

t.test('zeros stand where nothing was detected only for those who ask', async (t) => {
  const plain = contentOf('QF', 'T', results(), { creator: 'x', pipelineVersion: '1', processing: 1 })
  t.same([plain.rows.T![2]!.MAG, plain.rows.T![2]!.EXPTIME], [undefined, undefined])
  const zeros = withLegacyZeros(plain)
  t.same(
    [zeros.rows.T![2]!.MAG, zeros.rows.T![2]!.MAGERR, zeros.rows.T![2]!.EXPTIME, zeros.rows.T![1]!.EXPTIME],
    [0, 0, 0, 30],
  )
  const curve = withLegacyZeros(contentOf('LC', 'T', results(), { creator: 'x', pipelineVersion: '1', processing: 1 }))
  t.match(curve.rows.T!.at(-1), { DETECTED: 0, MAG: 20, MAGERR: 0, EXPTIME: 150 })
})

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { imageHdu, numberOf, openFits, readFrame, readTable, textOf, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { emptyTraces, setColumnsOnDetector } from '@nightpipe/spectra'
import { tracesHdus } from '@nightpipe/spectrographs'
import { scratch, set } from '@nightpipe/testing'
import t from 'tap'
import {
  arcLight,
  centre,
  containerNight,
  flatLight,
  GAIN,
  HEIGHT,
  READ_NOISE,
  type Shot,
  WIDTH,
  writeContainer,
} from './support/container.js'
import { reduction, writeImage } from './support/night.js'

const NRES = set('instrument.profile=nres')

for (const packed of [true, false]) {
  t.test(
    `a mixed folder of raw NRES containers is reduced in one call (${packed ? 'packed' : 'unpacked'})`,
    async (t) => {
      const { raw, folder } = containerNight({ packed })
      const { code, stdout, stderr } = reduction('-s', raw, '-r', join(folder, 'red'), ...NRES)
      t.equal(code, 0, stderr)
      const products = stdout.trim().split('\n')
      t.same(
        products.map((path) => path.slice(-8, -5)),
        ['w00', 'w00', 'a00', 'e00'],
        'flats, arc and star; biases and darks became masters',
      )
      const path = products[3]!
      const file = openFits(path)
      t.same(
        file.hdus.map(({ name }) => name),
        ['', 'ERR', 'MASK', 'EXPOSURE_METER', 'AGU_1', 'TELESCOPE_1', 'TELESCOPE_2', 'PROVENANCE'],
      )
      t.same(
        [...(readTable(file.hdus[3]!).columns[1]!.values as Float32Array)],
        [100, 200],
        'the exposure meter is carried',
      )
      t.equal(textOf(file.hdus[5]!.header, 'RA'), '12:00:00')
      t.equal(textOf(imageHdu(file).header, 'FLATFILE'), 'none')
      const { pixels, error, mask, width, height } = readFrame(file)
      t.same([width, height], [WIDTH, HEIGHT], 'trimmed')
      const x = 100
      const y = Math.round(centre(2, 0, x))
      const row = Array.from({ length: 11 }, (_, k) => pixels[(y - 5 + k) * width + x]!)
      const total = row.reduce((sum, v) => sum + v, 0)
      const expected = 900 * 1.3 * Math.sqrt(2 * Math.PI)
      t.ok(
        Math.abs(total - expected) < 5 * Math.sqrt(expected + 11 * READ_NOISE ** 2),
        `${total} electrons of ${expected}`,
      )
      // ground between the orders: only read noise, dark and rounding are in its error
      const at = Math.round(centre(2, 2, x) - 9) * width + x
      t.ok(Math.abs(error![at]! - Math.hypot(READ_NOISE, Math.sqrt(12), GAIN / Math.sqrt(12))) < 0.7, `${error![at]}`)
      t.equal(mask![at], 0)
      t.equal(numberOf(imageHdu(file).header, 'NCOSMIC'), 0, 'cosmic rays are left to the extraction')
      file.close()
    },
  )
}

/** Rows between the orders, where no fibre reaches: what is left there is noise. */
function ground({ pixels, error, width }: ReturnType<typeof readFrame>): { values: number[]; pulls: number[] } {
  const [values, pulls]: number[][] = [[], []]
  for (let x = 0; x < WIDTH; x++) {
    for (let order = 0; order < 5; order++) {
      for (const y of [-10, -9, -8].map((d) => Math.round(centre(order, 2, x) + d))) {
        const value = pixels[y * width + x]!
        if (Math.abs(value) > 60) continue // a hot pixel has the noise of its own current
        values.push(value)
        pulls.push(value / error![y * width + x]!)
      }
    }
  }
  return { values, pulls }
}

const rms = (values: number[]) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length)

t.test('a spectrograph whose orders are not counted yet is a spectrograph', async (t) => {
  const { raw, folder } = containerNight({})
  const profile = join(folder, 'mine.ini')
  writeFileSync(profile, '[profile]\nparent = nres\n[spectrograph]\norders = 0\nfibres = 3\n')
  const { code, stdout, stderr } = reduction(
    '-s',
    raw,
    '-r',
    join(folder, 'red'),
    ...set(`instrument.profile=${profile}`),
  )
  t.equal(code, 0, stderr)
  t.same(
    stdout
      .trim()
      .split('\n')
      .map((path) => path.slice(-8, -5)),
    ['w00', 'w00', 'a00', 'e00'],
    'flats and arcs are reduced as with a number of orders',
  )
})

t.test('errors are those of the scatter of an unlit region', async (t) => {
  const { raw, folder } = containerNight()
  const { stdout } = reduction('-s', raw, '-r', join(folder, 'red'), ...NRES)
  const { pulls } = ground(readFrame(stdout.trim().split('\n')[3]!))
  const scatter = rms(pulls)
  t.ok(Math.abs(scatter - 1) < 4 / Math.sqrt(2 * pulls.length) + 0.01, `${scatter} of ${pulls.length}`)
})

t.test('frames that cannot be what they say are set aside with the reason', async (t) => {
  const { raw, folder } = containerNight()
  const flat = { type: 'LAMPFLAT', letter: 'w', exposure: 10 } as const
  const arc = { type: 'DOUBLE', letter: 'a', exposure: 30 } as const
  const star = { type: 'TARGET', letter: 'e', exposure: 600 } as const
  const cases: [Shot, RegExp][] = [
    [{ ...flat, objects: 'tung&tung&none' }, /only .* of the pixels have light: was the lamp off\?/],
    [{ ...arc, objects: 'thar&thar&none' }, /was the lamp off\?/],
    [{ ...arc, objects: 'thar&thar&none', light: arcLight([0, 1], 3e6) }, /saturated: .* of the pixels with light/],
    [{ ...flat, objects: 'none&none&none', light: flatLight([0]) }, /impossible \(no light for a frame of type flat\)/],
    [{ ...flat, objects: 'tung&tung', light: flatLight([0, 1]) }, /2 words for 3 fibres/],
    [{ ...flat, objects: 'thar&thar&none', light: flatLight([0, 1]) }, /thar in a frame of type flat/],
    [{ ...star, objects: 'none&none&none' }, /no light for a frame of type object/],
    [{ ...star, objects: 'thar&thar&none' }, /no fibre sees a target/],
    [{ ...star, objects: 'none&hd1461&thar' }, /fibre 1 is that of the lamp/],
    [{ ...star, objects: '' }, /does not say what each fibre sees/],
  ]
  const names = cases.map(([shot], k) => writeContainer(raw, 50 + k, shot))
  const { code, stdout, stderr } = reduction('-s', raw, '-r', join(folder, 'red'), ...NRES, '--json')
  t.equal(code, 0, stderr)
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { inputs: string[]; status: string; reason?: string })
  for (const [k, [, reason]] of cases.entries()) {
    const row = rows.find(({ inputs }) => inputs.includes(names[k]!))
    t.equal(row?.status, 'rejected', names[k])
    t.match(row?.reason, reason)
  }
})

t.test('a shallow dark is taken off at hot pixels only, and pixel by pixel when asked', async (t) => {
  const { raw, folder } = containerNight()
  const noise = (...settings: string[]) => {
    const { stdout } = reduction('-s', raw, '-r', join(folder, scratch().split('/').at(-1)!), ...NRES, ...settings)
    return rms(ground(readFrame(stdout.trim().split('\n')[3]!)).values)
  }
  const [smooth, all] = [noise(), noise(...set('calibration.dark pixels=all'))]
  t.ok(all > 1.05 * smooth, `three darks pixel by pixel give ${all}, hot pixels only ${smooth}`)
})

t.test(
  'where the dispersion runs along y the frame stays as it lies, and loses its scattered light all the same',
  async (t) => {
    const folder = scratch()
    const [along, across] = [400, 300]
    const traces = emptyTraces({ width: along, height: across, orders: 6, fibres: 1, terms: 1, rows: 9, blocks: 0 })
    const { normal, poisson } = random(5)
    const scattered = (x: number, y: number) => 20 + 0.05 * x + 0.03 * y
    const pixels = new Float32Array(along * across)
    for (let order = 0; order < 6; order++) {
      traces.coefficients[order] = 30 + 48 * order
      setColumnsOnDetector(traces, order, 0)
    }
    for (let x = 0; x < along; x++) {
      for (let y = 0; y < across; y++) {
        const nearest = 30 + 48 * Math.min(5, Math.max(0, Math.round((y - 30) / 48)))
        const light = scattered(x, y) + 3000 * Math.exp(-((y - nearest) ** 2) / 4)
        pixels[x * across + y] = poisson(light) + 3 * normal() // columns of the detector are rows of the orders
      }
    }
    const profile = join(folder, 'upright.ini')
    writeFileSync(
      profile,
      '[keywords]\ntype = TYPE\n[types]\nflat = flat\n[assume]\ngain = 1\nread noise = 3\n[spectrograph]\norders = 6\ndispersion = y\n',
    )
    const raw = writeImage(join(folder, 'lamp.fits'), pixels, across, [
      ['TYPE', 'flat'],
      ['EXPTIME', 1],
    ])
    writeFits(join(folder, 'traces.fits'), tracesHdus(traces))
    const none = set(`instrument.profile=${profile}`, 'calibration.bias=none', 'calibration.dark=none')
    const { stdout, stderr } = reduction(
      '-s',
      raw,
      '-r',
      join(folder, 'r'),
      '--traces',
      join(folder, 'traces.fits'),
      ...none,
    )
    t.equal(stdout, `${join(folder, 'r/lamp.fits')}\n`, stderr)
    const frame = readFrame(stdout.trim())
    t.same([frame.width, frame.height], [across, along])
    const left: number[] = []
    for (let x = 0; x < along; x++) for (const y of [54, 102, 150, 198, 246]) left.push(frame.pixels[x * across + y]!)
    const mean = left.reduce((sum, v) => sum + v, 0) / left.length
    t.ok(Math.abs(mean) < 0.6, `${mean} electrons are left between the orders`)
  },
)

t.test(
  'a bias of few frames is taken off without its noise, pixel by pixel when asked, and errors know it',
  async (t) => {
    const { raw, folder } = containerNight()
    const scatter = (...settings: string[]) => {
      const { stdout } = reduction('-s', raw, '-r', join(folder, scratch().split('/').at(-1)!), ...NRES, ...settings)
      const { values, pulls } = ground(readFrame(stdout.trim().split('\n')[3]!))
      return { noise: rms(values), pulls: rms(pulls), count: pulls.length }
    }
    const [smooth, all] = [scatter(), scatter(...set('calibration.bias pixels=all'))]
    t.ok(all.noise > 1.02 * smooth.noise, `pixel by pixel ${all.noise}, without its noise ${smooth.noise}`)
    for (const { pulls, count } of [smooth, all])
      t.ok(Math.abs(pulls - 1) < 4 / Math.sqrt(2 * count) + 0.01, `${pulls}`)
  },
)

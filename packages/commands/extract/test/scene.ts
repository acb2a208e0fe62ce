import { join } from 'node:path'
import { createHeader, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { emptyTraces, setColumnsOnDetector, type Traces, traceY } from '@nightpipe/spectra'
import { tracesHdus } from '@nightpipe/spectrographs'

/** A spectrograph of three orders and three fibres on 200 x 130 pixels, Gaussian across the dispersion. */
export const [WIDTH, HEIGHT, ORDERS, FIBRES] = [200, 130, 3, 3]
const SIGMA = 1.3

export function sceneTraces(): Traces {
  const traces = emptyTraces({
    width: WIDTH,
    height: HEIGHT,
    orders: ORDERS,
    fibres: FIBRES,
    terms: 3,
    rows: 9,
    blocks: 2,
  })
  const perRow = 10
  const samples = 2 * 8 * perRow + 1
  const values = new Float32Array(2 * ORDERS * FIBRES * samples)
  for (let own = 0; own < ORDERS * FIBRES; own++) {
    traces.coefficients.set([14.2 + 40 * Math.floor(own / FIBRES) + 11 * (own % FIBRES), 1.1, 1.4], 3 * own)
    setColumnsOnDetector(traces, Math.floor(own / FIBRES), own % FIBRES)
  }
  for (let k = 0; k < values.length; k++) values[k] = gauss(((k % samples) - (samples - 1) / 2) / perRow)
  traces.profiles.fill(1 / 9)
  return { ...traces, firstOrder: 52, orderStep: 1, fine: { perRow, samples, values } }
}

/** Sums over whole rows to 1 within 1e-4 for any place of the centre. */
const gauss = (u: number) => Math.exp(-0.5 * (u / SIGMA) ** 2) / (SIGMA * Math.sqrt(2 * Math.PI))

/** The response of an order: highest in the middle. */
export const blazeOf = (x: number) => 0.2 + 0.8 * Math.sin((Math.PI * (x + 0.5)) / WIDTH) ** 2

export interface SceneOptions {
  objects: string
  type: string
  /** electrons in a column at response 1, by fibre */
  level: readonly number[]
  seed?: number
  cosmicRays?: number
  cards?: readonly (readonly [string, string | number])[]
  moved?: number
}

/** Writes a calibrated frame as reduction does: pixels, ERR and MASK, and a side table of the container. */
export function writeScene(
  path: string,
  { objects, type, level, seed = 1, cosmicRays = 0, cards = [], moved = 0 }: SceneOptions,
) {
  const traces = sceneTraces()
  const pixels = new Float32Array(WIDTH * HEIGHT)
  for (let own = 0; own < ORDERS * FIBRES; own++) {
    for (let x = 0; x < WIDTH; x++) {
      const y = traceY(traces, Math.floor(own / FIBRES), own % FIBRES, x) + moved
      for (let row = Math.max(0, Math.round(y) - 8); row <= Math.min(HEIGHT - 1, y + 8); row++) {
        pixels[row * WIDTH + x]! += level[own % FIBRES]! * blazeOf(x) * gauss(row - y)
      }
    }
  }
  const noise = random(seed)
  const error = pixels.map((value) => Math.sqrt(16 + value))
  for (let p = 0; p < pixels.length; p++) pixels[p]! += error[p]! * noise.normal()
  for (let k = 0; k < cosmicRays; k++) pixels[Math.floor(noise.uniform() * pixels.length)]! += 5000
  const header = createHeader([
    ...([
      ['OBSTYPE', type],
      ['OBJECTS', objects],
      ['TELESCOP', 'nres03'],
      ['INSTRUME', 'fl13'],
    ] as const),
    ...([
      ['SITEID', 'cpt'],
      ['BUNIT', 'electron'],
      ['GAIN', 1],
      ['RDNOISE', 4],
      ['DATE-OBS', '2018-02-13T02:57:46'],
    ] as const),
    ...cards,
  ])
  const axes = [WIDTH, HEIGHT]
  const meter = { name: 'FIB0COUNTS', values: Float64Array.of(10, 11) }
  writeFits(path, [
    { kind: 'image', header, bitpix: -32, axes, pixels },
    { kind: 'image', name: 'ERR', bitpix: -32, axes, pixels: error },
    { kind: 'image', name: 'MASK', bitpix: 16, axes, pixels: new Int16Array(pixels.length) },
    { kind: 'table', name: 'EXPOSURE_METER', rows: 2, columns: [meter] },
  ])
}

export function writeSceneTraces(folder: string): string {
  const path = join(folder, 'TRAC.fits')
  writeFits(path, tracesHdus(sceneTraces()))
  return path
}

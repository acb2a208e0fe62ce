import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openFits, readPixels, writeFits } from '@nightpipe/fits'
import { type Tile, zogyRow } from '@nightpipe/image'
import { random } from '@nightpipe/math'
import { lackingPython, PYTHON } from '@nightpipe/testing'
import t from 'tap'

const SCRIPT = fileURLToPath(new URL('../../../../../scripts/peers/zogy.py', import.meta.url))

/** A Gaussian on (2 half + 1)² pixels, stretched along x, of sum 1. */
function spread(half: number, sx: number, sy: number): Float64Array {
  const side = 2 * half + 1
  const image = Float64Array.from({ length: side * side }, (_, p) => {
    const [u, v] = [(p % side) - half, Math.floor(p / side) - half]
    return Math.exp(-(u * u) / (2 * sx * sx) - (v * v) / (2 * sy * sy))
  })
  const total = image.reduce((a, b) => a + b)
  return image.map((value) => value / total)
}

t.test(
  'proper subtraction equals that of a numpy program written from the paper',
  { skip: lackingPython('numpy', 'astropy') },
  async (t) => {
    const cwd = t.testdir({})
    const n = 128
    const { normal, uniform } = random(8)
    const stars = Array.from({ length: 12 }, () => ({
      x: 20 + 88 * uniform(),
      y: 20 + 88 * uniform(),
      flux: 2000 + 20000 * uniform(),
    }))
    const [a, b] = [[1.7, 1.4] as const, [1.3, 1.3] as const]
    const draw = (scale: number, [sx, sy]: readonly [number, number], noise: number) =>
      Float32Array.from({ length: n * n }, (_, p) => {
        const [x, y] = [p % n, Math.floor(p / n)]
        let value = noise * normal()
        for (const s of stars) {
          value +=
            ((scale * s.flux) / (2 * Math.PI * sx * sy)) *
            Math.exp(-((x - s.x) ** 2) / (2 * sx * sx) - (y - s.y) ** 2 / (2 * sy * sy))
        }
        return value
      })
    const ratio = 1.25
    const fresh = draw(1, a, 9)
    const reference = draw(ratio, b, 5)
    const psfs = [{ fresh: spread(10, ...a), reference: spread(10, ...b), ratio }]
    const write = (name: string, pixels: Float32Array | Float64Array, side: number) => {
      writeFits(join(cwd, name), [
        { kind: 'image', bitpix: -64, axes: [side, side], pixels: Float64Array.from(pixels) },
      ])
      return join(cwd, name)
    }
    const files = [write('n.fits', fresh, n), write('r.fits', reference, n)]
    files.push(write('pn.fits', psfs[0]!.fresh, 21), write('pr.fits', psfs[0]!.reference, 21))
    execFileSync(PYTHON, [SCRIPT, ...files, '1', String(ratio), '9', '5', join(cwd, 'out.fits')])
    const file = openFits(join(cwd, 'out.fits'))
    const [difference, score] = [readPixels(file.hdus[0]!), readPixels(file.hdus[1]!)]
    file.close()

    // the same round grid: no margin, so that both go around at the edges
    const tile: Tile = { net: { x0: 0, y0: 0, x1: n, y1: n }, pad: 0, width: n, height: n }
    const even = (sigma: number) => new Float32Array(n * n).fill(sigma * sigma)
    const plane = () => new Float32Array(n * n)
    const ours = { difference: plane(), error: plane(), score: plane(), fluxError: plane(), starFlux: plane() }
    zogyRow({
      ...{ width: n, height: n, tiles: [tile], method: 'zogy', fresh, reference, psfs, planes: ours },
      ...{
        freshVariance: even(9),
        referenceVariance: even(5),
        noise: { fresh: 1, reference: 1, moved: 1, share: 0, returned: false },
        blank: new Uint8Array(n * n),
      },
    })
    const worst = (x: Float32Array, y: Float32Array) =>
      x.reduce((most, value, p) => Math.max(most, Math.abs(value - y[p]!)), 0)
    // single against double precision, which shows where neither point spread has light; the noise of a pixel is 10
    t.ok(worst(ours.difference, difference) < 0.2, `differences by ${worst(ours.difference, difference)}`)
    t.ok(worst(ours.score, score) < 0.01, `scores by ${worst(ours.score, score)}`)
  },
)

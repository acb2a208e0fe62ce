import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readCat } from '@nightpipe/catalogues'
import { readFrame } from '@nightpipe/fits'
import { call, FIXTURES, lackingPython, PYTHON } from '@nightpipe/testing'
import t from 'tap'

const image = join(FIXTURES, 'imaging_wcs/misc/image.fits')
const script = fileURLToPath(new URL('../../test/support/sep_reference.py', import.meta.url))
const skip = existsSync(image) ? lackingPython('sep') : 'no image.fits of sep'

interface Reference {
  x: number[]
  y: number[]
  peak: number[]
  circle: number[]
  circleError: number[]
  kron: number[]
  auto: number[]
  autoError: number[]
  half: number[]
  windowX: number[]
  windowY: number[]
  back: number[]
}

// sep compares itself with SExtractor on this image; the tolerances are those of its test.
t.test(
  "sep's test image: the same sources, within the tolerances of its comparison with SExtractor",
  { skip },
  async (t) => {
    const cwd = t.testdir({})
    const keys = ['detection.method=sextractor', 'deblending.contrast=1', 'photometry.neighbours=keep']
    keys.push('photometry.kron minimum=0', 'photometry.apertures=5', 'products.background=yes')
    const run = call('findstars', ['-s', image, '-r', cwd, '--quiet', ...keys.flatMap((key) => ['--set', key])])
    t.equal(run.status, 0, String(run.stderr))
    const ours = readCat(join(cwd, 'image.cat.fits'))
    const sep = JSON.parse(String(spawnSync(PYTHON, [script, image]).stdout)) as Reference
    t.equal(ours.count, sep.x.length)

    const raw = readFrame(image)
    const net = readFrame(join(cwd, 'image.net.fits'))
    let worstBack = 0
    for (let y = 0, k = 0; y < raw.height; y += 16) {
      for (let x = 0; x < raw.width; x += 16, k++) {
        const level = raw.pixels[y * raw.width + x]! - net.pixels[y * raw.width + x]!
        worstBack = Math.max(worstBack, Math.abs(level / sep.back[k]! - 1))
      }
    }
    t.ok(worstBack < 1e-5, `background within 1e-5 (${worstBack.toExponential(1)})`)

    const worst: Record<string, number> = {}
    const note = (what: string, size: number) => {
      worst[what] = Math.max(worst[what] ?? 0, size)
    }
    const relative = (a: number, b: number) => (a === b ? 0 : Math.abs(a / b - 1))
    let outliers = 0
    sep.x.forEach((x, k) => {
      let i = 0
      const away = (j: number) => Math.hypot(ours.xIsophotal![j]! - x, ours.yIsophotal![j]! - sep.y[k]!)
      for (let j = 1; j < ours.count; j++) if (away(j) < away(i)) i = j
      note('place', away(i))
      note('peak', relative(ours.peak[i]!, sep.peak[k]!))
      note('circle', relative(ours.apertures.flux[0]![i]!, sep.circle[k]!))
      note('circle error', relative(ours.apertures.error[0]![i]!, sep.circleError[k]!))
      note('kron', Math.abs(ours.kronRadius![i]! - sep.kron[k]!))
      // a Kron radius under half a semi-axis holds no pixel to speak of: sep leaves such a one out as well
      if (sep.kron[k]! < 0.5) {
        outliers++
        return
      }
      note('auto', relative(ours.flux[i]!, sep.auto[k]!))
      note('auto error', relative(ours.fluxError[i]!, sep.autoError[k]!))
      note('half', Math.abs(ours.halfLight[i]! - sep.half[k]!) / (0.01 + 0.04 * sep.half[k]!))
      note('window', Math.hypot(ours.x[i]! - sep.windowX[k]!, ours.y[i]! - sep.windowY[k]!))
    })
    t.ok(outliers <= 2)
    const limits = { place: 1e-3, peak: 1e-3, circle: 2e-4, 'circle error': 1e-5, kron: 0.01, half: 1, window: 0.0015 }
    for (const [what, limit] of Object.entries({ ...limits, auto: 5e-4, 'auto error': 5e-4 })) {
      t.ok(worst[what]! <= limit, `${what}: ${worst[what]!.toExponential(1)} within ${limit}`)
    }
  },
)

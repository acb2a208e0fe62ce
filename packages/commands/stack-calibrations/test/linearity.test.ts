// Frames of a camera whose counts fall behind the light, against the same frames of one that is linear: same photons.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { camera, series } from './support/camera.js'
import { againstTruth, call, type Master, master, run } from './support/run.js'

/** 3 % of the light is missing at 40 000 ADU. */
const CURVE = 7.5e-7
const SIZE = { width: 256, height: 256 }

function night(folder: string, c: ReturnType<typeof camera>): string {
  series(folder, 'bias', 6, c, { type: 'bias' }, 1)
  series(folder, 'dark', 5, c, { type: 'dark', seconds: 300 }, 2)
  series(folder, 'flat', 8, c, (k) => ({ type: 'flat', seconds: 5, light: 20000 + 2500 * k, filter: 'r' }), 3)
  return folder
}

/** By how much two masters differ, relative to the second: as a slope over the first quarter against the middle. */
function tilt(a: Master, b: Master): number {
  const mean = (from: number, to: number) => {
    let [n, sum] = [0, 0]
    for (let y = 0; y < a.height; y++) {
      for (let x = from; x < to; x++) {
        const p = y * a.width + x
        if (a.mask[p] !== 0 || b.mask[p] !== 0) continue
        n++
        sum += a.pixels[p] / b.pixels[p]
      }
    }
    return sum / n
  }
  return mean(0, a.width / 4) / mean((3 * a.width) / 8, (5 * a.width) / 8) - 1
}

t.test('masters of a camera that is not linear are those of a linear one, with [linearity] only', async (t) => {
  const folder = t.testdir()
  // darks as bright as flats in their left part
  const dark = Float32Array.from({ length: 256 * 256 }, (_, p) => 100 * Math.exp(-(p % 256) / 60))
  const { flat } = camera(SIZE)
  // the corners are a third darker than the middle
  const straight = camera({ ...SIZE, dark, flat: flat.map((v) => 1 + 3 * (v - 1)) })
  const raw = night(join(folder, 'straight'), straight)
  const bent = night(join(folder, 'bent'), { ...straight, curve: [CURVE] })
  const out = (name: string) => join(folder, name)
  t.equal(run(raw, out('a')).status, 0)
  const { status, stderr } = run(bent, out('b'), '--set', `linearity.coefficients=${CURVE}`)
  t.equal(status, 0, stderr)
  t.equal(run(bent, out('c')).status, 0)
  const [truth, linear, left] = ['a', 'b', 'c'].map((name) => master(out(name), 'flat_cam1_r.fits'))
  const [fixed, wrong] = [tilt(linear, truth), tilt(left, truth)]
  t.ok(Math.abs(fixed) < 1e-4, `with it the flat is off by ${(100 * fixed).toFixed(4)} %`)
  t.ok(Math.abs(wrong) > 1e-3, `without it by ${(100 * wrong).toFixed(3)} %`)
  const pull = againstTruth(linear, (p) => straight.flat[p])
  t.ok(Math.abs(pull.mean) < 0.02 && Math.abs(pull.sigma - 1) < 0.02, `pull ${pull.mean} and ${pull.sigma}`)
  t.ok(Math.abs(linear.number('GAIN') - 1.6) < 4 * linear.number('GAINERR'), `gain ${linear.number('GAIN')}`)
  t.ok(Math.abs(linear.number('GAIN') / truth.number('GAIN') - 1) < 0.005, 'the gain is that of linear counts')
  t.ok(left.number('GAIN') / truth.number('GAIN') > 1.02, `and not that of the others: ${left.number('GAIN')}`)
  const darks = ['a', 'b', 'c'].map((name) => master(out(name), 'dark_cam1.fits'))
  const brightest = (m: Master) => m.pixels.filter((_, p) => p % 256 < 8).reduce((sum, v) => sum + v, 0)
  t.ok(Math.abs(brightest(darks[1]) / brightest(darks[0]) - 1) < 1e-4, 'bright darks are linear too')
  t.ok(brightest(darks[2]) / brightest(darks[0]) < 0.985, 'and were not')
  const honest = againstTruth(darks[1], dark)
  t.ok(Math.abs(honest.mean) < 0.03 && Math.abs(honest.sigma - 1) < 0.03, `pull ${honest.mean} and ${honest.sigma}`)
  t.equal(linear.text('LINCORR'), '7.5e-7')
  t.equal(left.text('LINCORR'), undefined)
  const biases = ['b', 'c'].map((name) => master(out(name), 'bias_cam1.fits'))
  t.equal(biases[0].text('LINCORR'), undefined, 'biases have no light')
  t.ok(
    biases[0].pixels.every((v, p) => Object.is(v, biases[1].pixels[p])),
    'nor do they change',
  )
})

t.test('an amplifier by its table, the other by its coefficients: same bytes whoever works', async (t) => {
  const folder = t.testdir()
  const both = { gain: [1.6, 2], readNoise: [8, 9], pedestal: [900, 1100], overscan: 16, drift: 1, height: 500 }
  const straight = camera({ ...SIZE, ...both, width: 384 })
  const raw = night(join(folder, 'straight'), straight)
  const bent = night(join(folder, 'bent'), { ...straight, curve: [CURVE, 2 * CURVE] })
  const table = join(folder, 'second.csv')
  const writeTable = (curve: number) => {
    const nets = Array.from({ length: 301 }, (_, k) => 200 * k)
    writeFileSync(table, `net,true\n${nets.map((net) => `${net},${net * (1 + curve * net)}`).join('\n')}\n`)
  }
  writeTable(2 * CURVE)
  const settings = ['--set', `linearity.coefficients=${CURVE}`, '--set', `linearity.2.table=${table}`]
  const wrong = ['--set', 'linearity.2.coefficients=']
  const outputs = [['1'], ['2'], ['3', '--memory', '64MB']].map(([workers, ...more]) => {
    const output = join(folder, `w${workers}`)
    const { status, stderr } = run(bent, output, ...settings, ...wrong, '--workers', workers, ...more)
    t.equal(status, 0, stderr)
    return output
  })
  const bytes = (output: string, name: string) => readFileSync(join(output, name)).toString('base64')
  for (const name of ['bias_cam1.fits', 'dark_cam1.fits', 'flat_cam1_r.fits']) {
    for (const output of outputs.slice(1)) t.ok(bytes(output, name) === bytes(outputs[0], name), `${name} of ${output}`)
  }
  t.equal(run(raw, join(folder, 'truth')).status, 0)
  const flat = () => master(outputs[0], 'flat_cam1_r.fits')
  const first = flat()
  const off = againstTruth(first, master(join(folder, 'truth'), 'flat_cam1_r.fits').pixels)
  t.ok(off.rms < 3e-4, `off by ${off.rms}: the noise of the masters is 2e-3`)
  t.equal(first.text('LINCORR'), '7.5e-7; second.csv')
  writeTable(CURVE)
  t.equal(run(bent, outputs[0], ...settings, ...wrong).status, 0)
  t.ok(
    flat().pixels.some((v, p) => v !== first.pixels[p]),
    'another table of the same name makes the masters anew',
  )
})

t.test('what cannot be made linear is refused in one line', (t) => {
  const folder = t.testdir()
  const raw = join(folder, 'raw')
  series(raw, 'dark', 3, camera(), { type: 'dark', seconds: 30 })
  const set = ['--set', `linearity.coefficients=${CURVE}`]
  const kept = run(raw, join(folder, 'out'), ...set, '--set', 'dark.scale=no')
  t.match(kept, { status: 2, stderr: /^stack-calibrations: \[linearity\] and \[dark\] scale = no: [^\n]+\n$/ })
  const gone = run(raw, join(folder, 'out'), '--set', 'linearity.table=/nowhere.csv')
  t.match(gone, { status: 2, stderr: /^stack-calibrations: \[linearity\] table: \/nowhere.csv does not exist\n$/ })
  t.end()
})

t.test('a folder without frames is named', (t) => {
  const empty = join(t.testdir(), 'empty')
  mkdirSync(empty)
  const { status, stderr } = call('-s', empty, '-r', join(empty, '..', 'out'))
  t.equal(status, 3)
  t.match(stderr, `stack-calibrations: no frames to stack in ${empty} (`)
  t.equal(stderr.split('\n').length, 2)
  t.end()
})

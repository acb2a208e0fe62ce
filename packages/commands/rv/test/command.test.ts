import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { loadProfile } from '@nightpipe/config'
import { numberOf, openFits, readPixels64, textOf, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import { barycentricCorrection } from '@nightpipe/sky'
import { airSeen, airToVacuum } from '@nightpipe/spectra'
import {
  addZero,
  makeTree,
  makeZero,
  productPathInTree,
  readRadv,
  readSpectra,
  readStarExposure,
  readVelocities,
  readZero,
  zeroHdus,
} from '@nightpipe/spectrographs'
import { call, FIXTURES } from '@nightpipe/testing'
import t from 'tap'
import { ironMask } from '../src/inputs.js'
import { measureStar, NoVelocity } from '../src/measure.js'
import { ARC_ERROR, SITE, STAR, writeScene } from './scene.js'

const run = (args: readonly string[], cwd: string) => call('rv', [...args, '--set', 'instrument.profile=nres'], { cwd })

const V = -33020
const nres = loadProfile('nres')

/** A template of three exposures, written as a ZERO file. */
function writeTemplate(folder: string, path: string, arcs?: readonly number[]) {
  const names = [0, 1, 2].map((k) => `t${k}-1d.fits`)
  for (const [k, name] of names.entries()) {
    writeScene(folder, {
      name,
      velocity: V,
      mjd: 58100.1 + 60 * k,
      seed: 90 + k,
      electrons: 2e5,
      ...(arcs && { arcs }),
    })
  }
  const exposures = names.map((name) => readStarExposure(join(folder, name), nres))
  const made = makeZero(exposures, { velocity: V, target: '51Peg' })
  writeFits(path, zeroHdus(made.file))
  return made
}

t.test(
  'a star at 300 km/s has c z as its velocity, by templates that tell their resolution and those that do not',
  (t) => {
    const cwd = t.testdir({ wave: {}, t: {} })
    const resolution = 40000
    const far = [-3e5, 3e5]
    for (const [k, velocity] of far.entries()) {
      writeScene(join(cwd, 'wave'), { name: `e${k}-1d.fits`, velocity, mjd: 58300.2 + 50 * k, seed: k, resolution })
    }
    for (const told of [undefined, resolution]) {
      const name = 't-1d.fits'
      writeScene(join(cwd, 't'), {
        name,
        velocity: V,
        mjd: 58100.1,
        seed: 90,
        electrons: 1e6,
        ...(told && { resolution: told }),
      })
      const made = makeZero([readStarExposure(join(cwd, 't', name), nres)], { velocity: V, target: '51Peg' })
      writeFits(join(cwd, 'ZERO.fits'), zeroHdus(made.file))
      t.equal(readZero(join(cwd, 'ZERO.fits')).resolution, told)
      const out = `out${told ?? ''}`
      const { status, stderr } = run(['-s', 'wave', '-r', out, '--template', 'ZERO.fits'], cwd)
      t.equal(status, 0, stderr)
      for (const [k, velocity] of far.entries()) {
        const { header } = readSpectra(join(cwd, out, `e${k}-1d.fits`))
        const [rv, seen, earth] = ['RV', 'RVMEAS', 'BARYCORR'].map((word) => numberOf(header, word)!) as [
          number,
          number,
          number,
        ]
        const error = numberOf(header, 'RVTOTERR')!
        // special relativity would be 150 m/s off, a sum of the velocities up to 30
        t.ok(error < 10 && Math.abs(rv - velocity) < 4 * error, `${rv} +- ${error}`)
        t.ok(Math.abs(rv - (seen + earth + (seen * earth) / 299792458)) < 1e-3)
      }
    }
    t.end()
  },
)

t.test('the barycentric correction of an hour is that of its light: not of its middle, which is 1 m/s off', (t) => {
  const cwd = t.testdir({ wave: {}, t: {} })
  writeTemplate(join(cwd, 't'), join(cwd, 'ZERO.fits'))
  const hour = { velocity: V, mjd: 58300.98, seconds: 3600 }
  const fading = (part: number) => 1.2 - part
  const { middle } = writeScene(join(cwd, 'wave'), { name: 'meter-1d.fits', ...hour, light: fading })
  writeScene(join(cwd, 'wave'), { name: 'clock-1d.fits', ...hour })
  const { status, stderr } = run(['-s', 'wave', '-r', 'out', '--template', 'ZERO.fits'], cwd)
  t.equal(status, 0, stderr)
  const at = (mjdUtc: number) => barycentricCorrection({ mjdUtc, site: SITE, ...STAR }).velocity
  for (const [name, light, when] of [
    ['meter', fading, middle],
    ['clock', () => 1, hour.mjd + 1800 / 86400],
  ] as const) {
    const parts = Array.from({ length: 60 }, (_, k) => (k + 0.5) / 60)
    const total = parts.reduce((sum, part) => sum + light(part), 0)
    const mean = parts.reduce((sum, part) => sum + light(part) * at(hour.mjd + part / 24), 0) / total
    const told = numberOf(readSpectra(join(cwd, 'out', `${name}-1d.fits`)).header, 'BARYCORR')!
    t.ok(Math.abs(told - mean) < 0.003, `${name}: ${told} m/s, ${mean} by its light`)
    t.ok(Math.abs(at(when) - mean) > 0.5, `${name}: ${at(when)} in the middle, ${mean} by its light`)
  }
  t.end()
})

t.test('a double star has a warning and its second lines in the header; a single one has none', (t) => {
  const cwd = t.testdir({ wave: {}, t: {} })
  writeTemplate(join(cwd, 't'), join(cwd, 'ZERO.fits'))
  const companion = { faster: 80e3, part: 0.35 }
  writeScene(join(cwd, 'wave'), { name: 'double-1d.fits', velocity: V, mjd: 58300.2, electrons: 4000, companion })
  writeScene(join(cwd, 'wave'), { name: 'single-1d.fits', velocity: V, mjd: 58300.2, electrons: 4000 })
  const { status, stderr } = run(['-s', 'wave', '-r', 'out', '--template', 'ZERO.fits'], cwd)
  t.equal(status, 0, stderr)
  t.equal(stderr.split('a second set of lines').length, 2, stderr)
  const [double, single] = ['double', 'single'].map((name) => readSpectra(join(cwd, 'out', `${name}-1d.fits`)).header)
  const apart = numberOf(double!, 'DOUBLEV')! - numberOf(double!, 'RVMEAS')!
  t.ok(Math.abs(apart - companion.faster) < 2000, `${apart}`)
  t.ok(Math.abs(numberOf(double!, 'DOUBLEH')! - 0.35 / 0.65) < 0.15, `${numberOf(double!, 'DOUBLEH')}`)
  t.equal(numberOf(single!, 'DOUBLEV'), undefined)
  t.end()
})

t.test('without a profile, the header of the first exposure says it: the same bytes, and told once', (t) => {
  const cwd = t.testdir({ wave: {}, t: {} })
  writeTemplate(join(cwd, 't'), join(cwd, 'ZERO.fits'))
  for (const k of [0, 1])
    writeScene(join(cwd, 'wave'), { name: `e${k}-1d.fits`, velocity: V, mjd: 58300.2 + k, seed: k })
  writeFileSync(join(cwd, 'wave', 'a-note.fits'), 'not FITS')
  const bare = (...args: string[]) => call('rv', ['-s', 'wave', ...args], { cwd })
  const unnamed = bare('-r', 'bare', '--template', 'ZERO.fits')
  t.equal(unnamed.stderr.split('instrument profile nres, by the header of e0-1d.fits').length, 2, unnamed.stderr)
  run(['-s', 'wave', '-r', 'named', '--template', 'ZERO.fits'], cwd)
  for (const name of ['e0-1d.fits', 'e1-1d.fits']) {
    t.ok(readFileSync(join(cwd, 'bare', name)).equals(readFileSync(join(cwd, 'named', name))), name)
  }
  t.match(bare('-r', 'x', '--print-config').stdout, /from the header of e0-1d.fits\nprofile = nres\n/)
  t.match(bare('-r', 'x', '--print-config', '--set', 'instrument.profile=generic').stdout, /profile = generic\n/)
  t.notMatch(bare('-r', 'x', '--dry-run', '--set', 'instrument.profile=generic').stderr, /profile/)
  t.end()
})

t.test('velocities of a year against a ZERO template: bias, errors, header, tables, picture', async (t) => {
  const cwd = t.testdir({ wave: {}, t: {} })
  writeTemplate(join(cwd, 't'), join(cwd, 'ZERO.fits'))
  const truth = Array.from({ length: 5 }, (_, k) =>
    writeScene(join(cwd, 'wave'), {
      name: `e${k}-1d.fits`,
      velocity: V,
      mjd: 58300.2 + 73.1 * k,
      seed: k,
      light: (x) => 1 + x,
    }),
  )
  const { stdout, stderr, status } = run(['-s', 'wave', '-r', 'out', '--template', 'ZERO.fits', '--json'], cwd)
  t.equal(status, 0, stderr)
  const off: number[] = []
  for (let k = 0; k < 5; k++) {
    const { header, orders } = readSpectra(join(cwd, `out/e${k}-1d.fits`))
    t.equal(orders.length, 28)
    const error = numberOf(header, 'RVERR')!
    off.push((numberOf(header, 'RV')! - V) / error)
    t.ok(error > 0.5 && error < 6, `error ${error}`)
    t.ok(Math.abs(numberOf(header, 'BARYCORR')! - truth[k]!.z * 299792458) < 0.002)
    t.ok(Math.abs(numberOf(header, 'MJDMID')! - truth[k]!.middle) < 1e-7)
    t.equal(textOf(header, 'L1IDZER0'), 'zero/ZERO.fits')
  }
  t.ok(
    off.every((pull) => Math.abs(pull) < 4),
    off.join(' '),
  )
  const file = openFits(join(cwd, 'out/e0-1d.fits'))
  t.ok(
    ['VELOCITY', 'CCF', 'LINE', 'EXPOSURE_METER', 'TELESCOPE_1'].every((name) =>
      file.hdus.some((hdu) => hdu.name === name),
    ),
  )
  file.close()
  t.match(stdout, /"rv_m_s":-330/)
  t.ok(existsSync(join(cwd, 'out/e0-rv.png')))
})

t.test(
  'arcs that a template has too are not in the error of a velocity; others are, and the total tells all',
  async (t) => {
    const cwd = t.testdir({ wave: {}, t: {} })
    const same = [58100, 58100.01, 58220]
    writeTemplate(join(cwd, 't'), join(cwd, 'ZERO.fits'), same)
    writeTemplate(join(cwd, 't'), join(cwd, 'mute.fits'))
    const scene = { velocity: V, mjd: 58300.2, seed: 5 }
    const sets = { none: undefined, same, half: [58220, 58400], other: [58300, 58301] }
    for (const [name, arcs] of Object.entries(sets)) {
      writeScene(join(cwd, 'wave'), { ...scene, name: `${name}-1d.fits`, ...(arcs && { arcs }) })
    }
    const errorsOf = (template: string) => {
      const { status, stderr } = run(['-s', 'wave', '-r', 'out', '--template', template, '--force'], cwd)
      t.equal(status, 0, stderr)
      const of = (name: string) => {
        const { header } = readSpectra(join(cwd, `out/${name}-1d.fits`))
        const [error, noise, total] = ['RVERR', 'RVTEMPL', 'RVTOTERR'].map((keyword) => numberOf(header, keyword)!)
        t.ok(Math.abs(total! - Math.hypot(error!, noise!)) < 2e-4)
        return { error: error!, noise: noise! }
      }
      return { none: of('none'), same: of('same'), half: of('half'), other: of('other') }
    }
    const close = (value: number, wanted: number) => t.ok(Math.abs(value - wanted) < 2e-3, `${value}, ${wanted}`)
    const { none, same: shared, half, other } = errorsOf('ZERO.fits')
    close(shared.error, none.error)
    close(shared.noise, none.noise)
    // of the template's three arcs the exposure has one, with a half instead of a third, and one of its own
    close(half.error, Math.hypot(none.error, ARC_ERROR * Math.hypot(1 / 2 - 1 / 3, 1 / 2)))
    close(half.noise, Math.hypot(none.noise, ARC_ERROR * Math.hypot(1 / 3, 1 / 3)))
    close(other.error, Math.hypot(none.error, ARC_ERROR / Math.SQRT2))
    close(other.noise, Math.hypot(none.noise, ARC_ERROR / Math.sqrt(3)))
    const mute = errorsOf('mute.fits')
    close(mute.same.error, Math.hypot(none.error, ARC_ERROR / Math.sqrt(3)))
    close(mute.other.error, Math.hypot(none.error, ARC_ERROR / Math.SQRT2))
    close(mute.same.noise, none.noise)
  },
)

/** A tree with the template of the star, and the folder of spectra that have wavelengths. */
async function treeWithTemplate(cwd: string) {
  const folder = join(cwd, 'cpt/nres03/reduced')
  const tree = { folder, site: 'cpt', camera: 'fa13', instrument: 'nres03' }
  makeTree(tree)
  const zero = join(folder, productPathInTree('ZERO', 'cpt', 58100))
  writeTemplate(join(cwd, 't'), zero)
  await addZero(tree, { path: zero, averaged: 3, camera: 'fa13', jd: 2458100.5, target: '51Peg', fibre: 0 })
  const wave = join(folder, 'temp/wave')
  mkdirSync(wave, { recursive: true })
  return { tree, folder, wave, zero }
}

t.test('in a tree: the template of the star is chosen, RADV, EXPM and a row of rv.csv are written, once', async (t) => {
  const cwd = t.testdir({ t: {} })
  const { tree, folder, wave, zero } = await treeWithTemplate(cwd)
  const mjd = 58301.25
  writeScene(wave, { name: 'cptnrs03-fa13-20180702-0016-e00-1d.fits', velocity: V, mjd, seed: 7 })
  const call = ['-s', wave, '--root', '.', '--site', 'cpt', '--nres-instrument', 'nres03']
  const first = run(call, cwd)
  t.equal(first.status, 0, first.stderr)
  const second = run([...call, '--force'], cwd)
  t.equal(second.status, 0, second.stderr)
  const rows = readVelocities(tree)
  t.equal(rows.length, 1)
  const row = rows[0]!
  t.equal(row.Orgname, 'cptnrs03-fa13-20180702-0016-e00')
  t.match(row, { Nmatch: 221, Amoerr: 0.0036, RMSgood: 0.0006 })
  t.equal(row.Specfile, 'spec/cptnrs03-fa13-20180702-0016-e00-1d.fits')
  const c = 299792.458
  const whole = c * ((1 + row['RVkm/s']! / c) * (1 + row.Rshiftavg!) * (1 + row.Baryshift!) - 1)
  t.ok(Math.abs(whole - V / 1000) < 5 * c * row.RshiftErr!, `${whole}`)
  t.ok(c * row.RshiftErr! < 0.01, 'the error of the blocks is one of redshift')
  const radv = readRadv(join(folder, productPathInTree('RADV', 'cpt', mjd)))
  t.equal(radv.template, basename(zero))
  t.ok(radv.redshift.filter(Number.isFinite).length > 100)
  // The sign of blocks is that of the correlation, as the old ones was not.
  const middle = radv.redshift.filter(Number.isFinite).sort()
  t.ok(Math.abs(middle[middle.length >> 1]! - radv.rcc!) < 3e-7, `${radv.rcc}`)
  t.ok(existsSync(join(folder, productPathInTree('EXPM', 'cpt', mjd))))
  t.same(readdirSync(join(folder, 'plot')), ['cptnrs03-fa13-20180702-0016-e00-rv.png'])
})

t.test('in a tree: an exposure that tells no velocity is not done again at each run', async (t) => {
  const cwd = t.testdir({ t: {} })
  const { folder, wave } = await treeWithTemplate(cwd)
  const scene = { name: 'cptnrs03-fa13-20180702-0016-e00-1d.fits', velocity: V, mjd: 58301.25, seed: 7 }
  const radv = join(folder, productPathInTree('RADV', 'cpt', scene.mjd))
  const call = ['-s', wave, '--root', '.', '--site', 'cpt', '--nres-instrument', 'nres03']
  writeScene(wave, scene)
  t.equal(run(call, cwd).status, 0)
  t.ok(existsSync(radv), 'with light it has a RADV')
  writeScene(wave, { ...scene, electrons: 0.2 })
  t.match(run(call, cwd).stderr, /no velocity: the .* stands out/)
  t.notOk(existsSync(radv), 'that of the spectrum before does not stay')
  const again = run(call, cwd)
  t.equal(again.status, 0)
  t.notMatch(again.stderr, /no velocity/, 'what is done is done')
  writeScene(wave, scene)
  t.equal(run(call, cwd).status, 0)
  t.ok(existsSync(radv), 'and with light it has one again')
})

t.test('without a template the lines of a mask give the velocity', async (t) => {
  const cwd = t.testdir({ wave: {}, t: {} })
  const { template } = writeTemplate(join(cwd, 't'), join(cwd, 'ZERO.fits'))
  const { maskOfTemplate } = await import('@nightpipe/spectra')
  const { wavelength, weight } = maskOfTemplate(template)
  writeFileSync(
    join(cwd, 'star.mas'),
    [...wavelength].map((w, k) => `${w.toFixed(5)} ${weight[k]!.toFixed(4)}`).join('\n'),
  )
  writeScene(join(cwd, 'wave'), { name: 'e-1d.fits', velocity: V + 70e3, mjd: 58300.2, seed: 3 })
  const { stderr, status } = run(['-s', 'wave', '-r', 'out', '--mask', 'star.mas'], cwd)
  t.equal(status, 0, stderr)
  const { header } = readSpectra(join(cwd, 'out/e-1d.fits'))
  t.equal(textOf(header, 'RVMETH'), 'mask')
  const [rv, error] = [numberOf(header, 'RV')!, numberOf(header, 'RVERR')!]
  t.ok(Math.abs(rv - V - 70e3) < 3 * error && error < 60, `${rv - V - 70e3} +- ${error}`)
  t.ok(numberOf(header, 'CCFCONTR')! > 0.1 && Math.abs(numberOf(header, 'CCFFWHM')! - 10) < 3)
})

t.test('masks of lines that the star does not have give no velocity, few lines or many', async (t) => {
  const cwd = t.testdir({})
  writeScene(cwd, { name: 'e-1d.fits', velocity: V, mjd: 58300.2, seed: 3 })
  const all = readSpectra(join(cwd, 'e-1d.fits')).orders.filter(({ fibre }) => fibre === 0)
  const draw = random(12)
  const settings = { method: 'mask', degree: 4, clip: 5, search: 500e3, tellurics: [], blocks: 1, range: 30e3 } as const
  for (const [orders, lines, masks] of [
    [all.slice(0, 6), 57, 30],
    [all, 500, 5],
  ] as const) {
    const places = orders.flatMap(({ wavelength }) => [...wavelength!].filter((w) => w > 0))
    const [low, high] = [places.reduce((a, b) => Math.min(a, b)), places.reduce((a, b) => Math.max(a, b))]
    const told = Array.from({ length: masks }, () => {
      const wavelength = Float64Array.from({ length: lines }, () => low + (high - low) * draw.uniform()).sort()
      const mask = { wavelength, weight: wavelength.map(() => 0.2 + 0.8 * draw.uniform()) }
      try {
        return measureStar(orders, { ...settings, mask }).z
      } catch (error) {
        if (error instanceof NoVelocity) return undefined
        throw error
      }
    }).filter((z) => z !== undefined)
    t.same(told, [], `${lines} lines`)
  }
})

t.test('what cannot be measured is set aside with its reason, and the rest goes on', async (t) => {
  const cwd = t.testdir({ wave: {}, t: {} })
  writeTemplate(join(cwd, 't'), join(cwd, 'ZERO.fits'))
  const wave = join(cwd, 'wave')
  writeScene(wave, { name: 'a-1d.fits', velocity: V, mjd: 58300.2, objects: 'thar&thar&none' })
  writeScene(wave, { name: 'b-1d.fits', velocity: V, mjd: 58300.2, wavelengths: false })
  writeScene(wave, { name: 'c-1d.fits', velocity: V, mjd: 58300.2, site: false })
  writeScene(wave, { name: 'd-1d.fits', velocity: V, mjd: 58300.2 })
  const { status } = run(['-s', 'wave', '-r', 'out', '--template', 'ZERO.fits', '--set', 'products.plots=no'], cwd)
  t.equal(status, 5)
  const report = readFileSync(join(cwd, 'out/rv.csv'), 'utf8')
  t.match(report, /a-1d\.fits,rejected,no fibre sees a star: thar&thar&none/)
  t.match(report, /b-1d\.fits,failed,.*no wavelengths/)
  t.match(report, /c-1d\.fits,done/)
  const { header } = readSpectra(join(cwd, 'out/c-1d.fits'))
  t.equal(numberOf(header, 'RV'), undefined, 'no velocity at the barycentre without site and star')
  t.ok(numberOf(header, 'RVMEAS') !== undefined)
  // with the site in the configuration and the star in a catalogue it has one
  const head = 'Name,RA(deg),Dec(deg),Vmag,Bmag,gmag,rmag,imag,Jmag,Kmag,PMRA,PMDE,Plax,RV,Teff,Logg,ZERO'
  const star = `"51Peg",${STAR.ra},${STAR.dec},5.46,6.16,-99.9,-99.9,9.888,4.66,3.911,207.25,60.34,64.07,-33.020,5598,4.0,"NULL"`
  writeFileSync(join(cwd, 'targets.csv'), `${head}\n${star}\n`)
  const place = ['longitude=20.81', 'latitude=-32.38', 'height=1760'].flatMap((one) => ['--set', `barycentre.${one}`])
  const again = run(
    ['-s', 'wave/c-1d.fits', '-r', 'two', '--template', 'ZERO.fits', '--targets', 'targets.csv', ...place],
    cwd,
  )
  t.equal(again.status, 0, again.stderr)
  t.ok(Math.abs(numberOf(readSpectra(join(cwd, 'two/c-1d.fits')).header, 'RV')! - V) < 15)
})

t.test('a spectrum that tells no velocity gets none, says why, and remains a spectrum', async (t) => {
  const cwd = t.testdir({ wave: {}, t: {} })
  writeTemplate(join(cwd, 't'), join(cwd, 'ZERO.fits'))
  const wave = join(cwd, 'wave')
  writeScene(wave, { name: 'dark-1d.fits', velocity: V, mjd: 58300.2, electrons: 0.2 })
  writeScene(wave, { name: 'faint-1d.fits', velocity: V, mjd: 58300.3, electrons: 40, seed: 6 })
  for (const how of [
    ['--template', 'ZERO.fits'],
    ['--set', 'velocity.method=mask'],
  ]) {
    const { status, stderr } = run(['-s', 'wave/dark-1d.fits', '-r', 'out', ...how, '--force'], cwd)
    t.equal(status, 0, stderr)
    t.match(stderr, /no velocity: the .* stands out by .* sigma only/)
    const { header, orders } = readSpectra(join(cwd, 'out/dark-1d.fits'))
    t.equal(textOf(header, 'RVMETH'), 'none')
    t.same(
      ['RV', 'RVERR', 'RVMEAS', 'RVPHOT'].map((name) => numberOf(header, name)),
      [undefined, undefined, undefined, undefined],
    )
    t.ok(numberOf(header, 'BARYCORR') !== undefined && orders.length > 20)
    t.match(readFileSync(join(cwd, 'out/rv.csv'), 'utf8'), /dark-1d\.fits,done,.*no velocity/)
    t.ok(existsSync(join(cwd, 'out/dark-rv.png')))
  }
  // Signal to noise 4 a pixel is little, but enough; the error is what it is worth.
  const faint = run(['-s', 'wave/faint-1d.fits', '-r', 'out', '--template', 'ZERO.fits'], cwd)
  t.equal(faint.status, 0, faint.stderr)
  const { header } = readSpectra(join(cwd, 'out/faint-1d.fits'))
  const [rv, error] = [numberOf(header, 'RV')!, numberOf(header, 'RVERR')!]
  t.ok(error > 100 && error < 1000 && Math.abs(rv - V) < 3 * error, `${rv - V} +- ${error}`)
})

t.test('wrong files are refused before anything is read', async (t) => {
  const cwd = t.testdir({ wave: {}, 'bad.mas': 'wavelength weight\n5000 a\n' })
  writeScene(join(cwd, 'wave'), { name: 'e-1d.fits', velocity: 0, mjd: 58300 })
  for (const [args, message] of [
    [['--template', 'none.fits'], /no none\.fits|there is no/],
    [['--mask', 'bad.mas'], /2 numbers are expected/],
    [['--targets', 'none.csv'], /there is no/],
  ] as const) {
    const { status, stderr } = run(['-s', 'wave', '-r', 'out', ...args], cwd)
    t.equal(status, 2, stderr)
    t.match(stderr, message)
  }
})

t.test('a ZERO file holds the template: planes, star, wavelengths at rest in nm', async (t) => {
  const cwd = t.testdir({ t: {} })
  const made = writeTemplate(join(cwd, 't'), join(cwd, 'ZERO.fits'))
  const zero = readZero(join(cwd, 'ZERO.fits'))
  t.equal(zero.target, '51PEG')
  t.equal(zero.averaged, 3)
  t.equal(zero.subtracted, false)
  t.equal(zero.orders.length, made.template.orders.length)
  const [a, b] = [zero.orders[3]!, made.template.orders[3]!]
  t.ok(Math.abs(a.wavelength[500]! - b.wavelength[500]!) < 1e-9)
  t.ok(Math.abs(a.flux[500]! / b.flux[500]! - 1) < 1e-6)
  t.ok(made.template.signalToNoise > 500, String(made.template.signalToNoise))
})

t.test('the response of columns that a template has seen is in its file, of the orders that have one', async (t) => {
  const cwd = t.testdir({ t: {} })
  const { file } = writeTemplate(join(cwd, 't'), join(cwd, 'ZERO.fits'))
  t.ok(readZero(join(cwd, 'ZERO.fits')).orders.every(({ response }) => response === undefined))
  const response = Float64Array.from({ length: file.width }, (_, x) => (x < 20 ? 0 : 1 + 1e-3 * Math.sin(x)))
  const orders = file.template.orders.map((one, k) => (k === 3 ? { ...one, response } : one))
  writeFits(join(cwd, 'seen.fits'), zeroHdus({ ...file, template: { orders } }))
  const seen = readZero(join(cwd, 'seen.fits')).orders.map((one) => one.response)
  t.same(
    seen.map((one) => one !== undefined),
    orders.map((_, k) => k === 3),
  )
  t.ok(seen[3]!.every((one, x) => Math.abs(one - response[x]!) < 1e-7))
})

const barnard = join(FIXTURES, 'echelle/chiron/tchi140917.1119.fits')

// Barnard's star, 2014-09-18, 600 s, with the 1.5 m of Cerro Tololo: -110.5 km/s in the literature, of another kind than the mask.
t.test(
  'a real spectrum of an M dwarf against the lines of iron',
  { skip: existsSync(barnard) ? false : 'no echelle/chiron fixture' },
  async (t) => {
    const file = openFits(barnard)
    const image = file.hdus[0]!
    const [, width, count] = image.axes as [number, number, number]
    const pixels = readPixels64(image)
    file.close()
    const orders = Array.from({ length: count }, (_, index) => {
      const cell = (k: number) => Float64Array.from({ length: width }, (_, x) => pixels[k + 2 * (x + width * index)]!)
      const flux = cell(1).map((value) => (value > 0 ? value : Number.NaN))
      const uncertainty = flux.map((value) => Math.sqrt(Math.max(value, 1) + 25))
      return {
        ...{ index, order: 0, fibre: 0, flux, uncertainty },
        mask: new Int32Array(width),
        wavelength: cell(0).map((w) => airToVacuum(w)),
      }
    })
    t.equal(airSeen(orders), true, 'oxygen is seen')
    const measured = measureStar(orders, {
      ...{
        mask: ironMask(),
        method: 'auto',
        degree: 4,
        clip: 5,
        search: 300e3,
        tellurics: undefined,
        blocks: 12,
        range: 30e3,
      },
    })
    const { z } = barycentricCorrection({
      ...{ mjdUtc: 56918 + 793 / 86400, site: { latitude: -30.169, longitude: -70.807, height: 2241 } },
      ...{ ra: 269.4520769586, dec: 4.6933649665, pmRa: -802.8, pmDec: 10362.5, parallax: 547.45 },
    })
    const rv = 299792.458 * ((1 + measured.z) * (1 + z) - 1)
    t.ok(Math.abs(rv + 110.5) < Math.max(1, (3 * measured.error) / 1000), `${rv} +- ${measured.error / 1000} km/s`)
  },
)

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readCat } from '@nightpipe/catalogues'
import { column, numberOf, openFits, readFrame, readTable, writeFits } from '@nightpipe/fits'
import { MaskBit } from '@nightpipe/image'
import { medianOf } from '@nightpipe/math'
import { parseCsv } from '@nightpipe/table'
import { call } from '@nightpipe/testing'
import t from 'tap'
import { type NightFrame, nightStars, SIDE, skyOf, trueZero, writeNight } from './support/star-night.js'

// ten frames are simulated and measured: long on a busy machine

const run = (args: readonly string[], cwd: string) => call('photometry', ['--quiet', ...args], { cwd })

function rowsOf(path: string): Record<string, string>[] {
  const [head, ...rows] = parseCsv(readFileSync(path, 'utf8'), path)
  return rows.map(({ cells }) => Object.fromEntries(head!.cells.map((name, k) => [name, cells[k] ?? ''])))
}

const STARS = nightStars(90)
const FRAMES: NightFrame[] = Array.from({ length: 10 }, (_, k) => ({
  ...{ name: `frame-${k}`, mjd: 60400 + k / 96, airmass: 1 + 0.08 * k, lost: 0.15 * (1 + 0.08 * k) },
  ...{ fwhm: 3 + 0.1 * (k % 4), shift: [1.7 * k, -0.9 * k] as [number, number] },
}))
/** Number of the star at this rank of brightness. */
const ranked = [...STARS.keys()].sort((a, b) => STARS[a]!.r - STARS[b]!.r)

t.test('a calibrated night', async (t) => {
  const cwd = t.testdir({})
  const [transit, gone] = [ranked[6]!, ranked[40]!]
  const frames = FRAMES.map((frame, k) => ({
    ...frame,
    change: { [transit]: k >= 4 && k <= 6 ? 0.02 : 0, [gone]: k === 7 ? Number.POSITIVE_INFINITY : 0 },
  }))
  writeNight(cwd, STARS, frames)
  const keys = ['zero point.catalogue=catalogue.csv', 'zero point.colour=g-r', 'limit.injected=40']
  const sets = keys.flatMap((key) => ['--set', key])
  const { status, stdout, stderr } = run(['-s', 'frames', '-r', 'out', ...sets], cwd)
  t.equal(status, 0, stderr)
  t.match(stdout, /out\/frame-0\.phot\.fits\n/)
  const report = rowsOf(join(cwd, 'out/photometry.csv'))

  t.test('zero points are true to a few mmag, and to what their errors say', async (t) => {
    const pulls = report.map((row, k) => {
      const file = openFits(join(cwd, `out/frame-${k}.phot.fits`))
      const colour = numberOf(file.hdus[0]!.header, 'MAGZPC0')!
      file.close()
      const off = Number(row.zero_point_mag) - trueZero(frames[k]!, colour)
      t.ok(Math.abs(off) < 0.009, `frame ${k}: ${off} mag`)
      return off / Number(row.zero_point_error_mag)
    })
    t.ok(Math.abs(medianOf(pulls)) < 3, `pulls ${pulls}`)
    t.ok(report.every((row) => Math.abs(Number(row.colour_term) - 0.08) < 0.02))
  })

  t.test('calibrated magnitudes are those of the stars, with errors that say how far they are off', async (t) => {
    const { table, x, y } = readCat(join(cwd, 'out/frame-0.phot.fits'))
    const [magnitude, error] = ['MAG_CAL', 'MAGERR_CAL'].map((name) => column(table, name)!.values as Float64Array)
    const pulls = STARS.flatMap((star) => {
      const i = Array.from(x.keys()).find((k) => Math.hypot(x[k]! - star.x, y[k]! - star.y) < 1)
      return i === undefined || star.r > 17 ? [] : [(magnitude![i]! - star.r) / error![i]!]
    })
    t.ok(pulls.length > 40)
    const spread = 1.4826 * medianOf(pulls.map(Math.abs))
    t.ok(spread > 0.5 && spread < 1.6, `spread of the pulls ${spread}`)
  })

  t.test('limits by noise and by stars put in agree', async (t) => {
    for (const row of report) {
      const [noise, fit] = [Number(row.limit_mag), Number(row.limit_psf_mag)]
      t.ok(fit > noise - 0.1 && fit < noise + 1, `${noise} by circles, ${fit} by the fit`)
      if (row.limit_injected_mag) t.ok(Math.abs(Number(row.limit_injected_mag) - fit) < 0.6, row.limit_injected_mag)
    }
  })

  t.test('a transit of 2 % is in the light curve of its star, and a star that is gone has a limit', async (t) => {
    const stars = rowsOf(join(cwd, 'out/stars.csv'))
    const curves = rowsOf(join(cwd, 'out/lightcurves.csv'))
    // pixels are of the frame with the most stars, whichever that is: the sky tells
    const named = (of: number) => {
      const [ra, dec] = skyOf(STARS[of]!)
      return stars.find(
        (row) => Math.hypot((Number(row.ra_deg) - ra) * Math.cos(Math.PI / 9), Number(row.dec_deg) - dec) < 1 / 3600,
      )
    }
    const own = curves.filter(({ star }) => star === named(transit)?.star)
    t.equal(own.length, 10)
    const level = (inside: boolean) =>
      medianOf(own.filter((_, k) => (k >= 4 && k <= 6) === inside).map(({ mag }) => Number(mag)))
    t.ok(Math.abs(level(true) - level(false) - 0.02) < 0.006, `depth ${level(true) - level(false)}`)
    const away = curves.filter(({ star, frame }) => star === named(gone)?.star && frame === 'frame-7')
    t.equal(away.length, 1)
    t.equal(away[0]?.mag, '', 'never a number where nothing is seen')
    t.ok(Number(away[0]?.upper_limit_mag) > STARS[gone]!.r)
    t.ok(
      curves.every(({ mag, upper_limit_mag }) => (mag === '') !== (upper_limit_mag === '')),
      'one or the other',
    )
  })

  t.test('bright stars scatter as photons do', async (t) => {
    const stars = rowsOf(join(cwd, 'out/stars.csv')).filter(
      ({ points, mag }) => Number(points) === 10 && Number(mag) < 15,
    )
    const ratio = medianOf(stars.map((row) => Number(row.deviation_mag) / Number(row.expected_mag)))
    t.ok(ratio > 0.6 && ratio < 1.3, `${ratio} of the expected scatter`)
  })

  t.test('a frame measured alone by another thread gives the same bytes', async (t) => {
    run(['-s', 'frames/frame-3.fits', '-r', 'again', '--workers', '1', ...sets], cwd)
    t.ok(readFileSync(join(cwd, 'out/frame-3.phot.fits')).equals(readFileSync(join(cwd, 'again/frame-3.phot.fits'))))
  })
})

t.test('frames that drift, without a plate solution, give light curves by the pattern of their stars', async (t) => {
  const cwd = t.testdir({})
  const frames = FRAMES.slice(0, 4).map((frame, k) => ({
    ...frame,
    wcs: false,
    shift: [6 * k, -4 * k] as [number, number],
  }))
  writeNight(cwd, STARS, frames)
  const { status, stderr } = run(
    ['-s', 'frames', '-r', 'out', '--set', 'limit.injected=0', '--set', 'psf.fit=no', '--set', 'series.plots=no'],
    cwd,
  )
  t.equal(status, 0, stderr)
  const stars = rowsOf(join(cwd, 'out/stars.csv'))
  t.ok(stars.filter(({ points }) => points === '4').length > 60)
  t.ok(stars.every(({ calibrated }) => calibrated === 'no'))
})

t.test('targets of a list are measured whether they are seen or not', async (t) => {
  const cwd = t.testdir({})
  writeNight(cwd, STARS, FRAMES.slice(0, 2))
  const seen = STARS[ranked[10]!]!
  writeFileSync(join(cwd, 'list.csv'), `name,x,y\nbright,${seen.x + 1},${seen.y + 1}\nnothing,12,12\n`)
  const { status, stderr } = run(
    ['-s', 'frames/frame-0.fits', '-r', 'out', '--set', 'targets.list=list.csv', '--set', 'limit.injected=0'],
    cwd,
  )
  t.equal(status, 0, stderr)
  const file = openFits(join(cwd, 'out/frame-0.phot.fits'))
  const table = readTable(file.hdus.find(({ name }) => name === 'TARGETS')!)
  const [magnitude, limit] = ['MAG', 'MAG_LIMIT'].map((name) => column(table, name)!.values as Float64Array)
  t.ok(Number.isFinite(magnitude![0]) && Number.isNaN(limit![0]))
  t.ok(Number.isNaN(magnitude![1]) && Number.isFinite(limit![1]))
  file.close()
})

t.test('a target beside a star, at the edge or on bad pixels has its own flux, within its error', async (t) => {
  const cwd = t.testdir({})
  const shape = { name: 'frame-0', mjd: 60400, lost: 0, fwhm: 3, shift: [0, 0] as [number, number] }
  // faint ones beside bright ones that the list does not name, at 1.2 to 2 widths; others half beyond the edge
  const bright = STARS.filter(({ r, x, y }) => r > 13 && r < 15.5 && Math.min(x, y, SIDE - x, SIDE - y) > 30).slice(
    0,
    24,
  )
  const beside = bright.map(({ x, y }, k) => {
    const [apart, angle] = [3.6 + 0.6 * (k % 5), 2.4 * k]
    return { x: x + apart * Math.cos(angle), y: y + apart * Math.sin(angle), r: 17, g: 17.5 }
  })
  const edge = Array.from({ length: 12 }, (_, k) => ({ x: 0.3 + 0.3 * (k % 6), y: 14 + 24 * k, r: 16, g: 16.5 }))
  const holed = Array.from({ length: 12 }, (_, k) => ({ x: SIDE - 8.3 + 0.05 * k, y: 14 + 24 * k, r: 16, g: 16.5 }))
  const targets = [...beside, ...edge, ...holed]
  writeNight(cwd, [...STARS, ...targets], [shape])
  const raw = openFits(join(cwd, 'frames/frame-0.fits'))
  const { pixels } = readFrame(raw)
  const header = raw.hdus[0]!.header
  raw.close()
  for (const { x, y } of holed) {
    pixels[Math.round(y) * SIDE + Math.round(x)] = Number.NaN
    pixels[Math.round(y) * SIDE + Math.round(x) + 1] = Number.NaN
  }
  writeFits(join(cwd, 'frames/frame-0.fits'), [{ kind: 'image', header, bitpix: -32, axes: [SIDE, SIDE], pixels }])
  const lines = targets.map(({ x, y }, k) => `t${k},${x + 1},${y + 1}`)
  writeFileSync(join(cwd, 'list.csv'), `name,x,y\n${lines.join('\n')}\n`)
  const sets = ['targets.list=list.csv', 'limit.injected=0'].flatMap((key) => ['--set', key])
  const { status, stderr } = run(['-s', 'frames', '-r', 'out', ...sets], cwd)
  t.equal(status, 0, stderr)
  const file = openFits(join(cwd, 'out/frame-0.phot.fits'))
  const table = readTable(file.hdus.find(({ name }) => name === 'TARGETS')!)
  file.close()
  const of = (name: string) => column(table, name)!.values as Float64Array
  for (const kind of ['TOTAL', 'PSF']) {
    const pulls = targets.map((star, k) => {
      const truth = 30 * 10 ** (0.4 * (trueZero(shape, star.g - star.r) - star.r))
      return (of(`FLUX_${kind}`)[k]! - truth) / of(`FLUXERR_${kind}`)[k]!
    })
    for (const [what, from, to] of [
      ['beside a star', 0, beside.length],
      ['at the edge', beside.length, beside.length + edge.length],
      ['on bad pixels', beside.length + edge.length, targets.length],
    ] as const) {
      const own = pulls.slice(from, to)
      const rms = Math.sqrt(own.reduce((sum, pull) => sum + pull * pull, 0) / own.length)
      // a dozen pulls scatter by 0.2 about 1; without any care they are off by 5 to 50
      t.ok(rms < 1.7, `${kind} ${what}: pulls ${own.map((pull) => pull.toFixed(1))}`)
    }
  }
})

t.test('a star that is seen near the edge never has a limit', async (t) => {
  const cwd = t.testdir({})
  const near = { x: SIDE - 14, y: 160, r: 12, g: 12.5 }
  const alone = STARS.filter((star) => Math.hypot(star.x - near.x, star.y - near.y) > 30)
  const frames = FRAMES.slice(0, 4).map((frame, k) => ({ ...frame, shift: [k, 0] as [number, number] }))
  writeNight(cwd, [...alone, near], frames)
  const keys = ['limit.injected=0', 'series.plots=no', 'zero point.catalogue=catalogue.csv']
  const { status, stderr } = run(['-s', 'frames', '-r', 'out', ...keys.flatMap((key) => ['--set', key])], cwd)
  t.equal(status, 0, stderr)
  const brightest = rowsOf(join(cwd, 'out/stars.csv')).find(({ mag }) => Math.abs(Number(mag) - 12) < 0.05)
  const points = rowsOf(join(cwd, 'out/lightcurves.csv')).filter(({ star }) => star === brightest?.star)
  t.ok(points.length > 0)
  t.same(
    points.filter(({ upper_limit_mag }) => upper_limit_mag !== ''),
    [],
  )
})

t.test(
  'a star where a frame was not exposed, or that its mask hides, has no limit there; one without light has',
  async (t) => {
    const cwd = t.testdir({})
    const [bare, hidden, gone] = [ranked[6]!, ranked[8]!, ranked[30]!]
    writeNight(
      cwd,
      STARS,
      FRAMES.slice(0, 4).map((frame, k) => ({
        ...{ ...frame, shift: [0, 0] as [number, number] },
        change: { [gone]: k === 0 ? Number.POSITIVE_INFINITY : 0 },
      })),
    )
    const path = join(cwd, 'frames/frame-0.fits')
    const { header, pixels, width } = readFrame(path)
    const near = (p: number, { x, y }: { x: number; y: number }, reach: number) =>
      Math.hypot((p % width) - x, Math.floor(p / width) - y) < reach
    const mask = Int16Array.from(pixels, (_, p) => (near(p, STARS[hidden]!, 5) ? MaskBit.bad : 0))
    const some = pixels.map((value, p) => (near(p, STARS[bare]!, 7) ? Number.NaN : value))
    some.forEach((value, p) => {
      if (Number.isNaN(value)) mask[p] = MaskBit.noData
    })
    const axes = [width, width]
    for (const [name, planes] of [
      ['with a mask', [{ kind: 'image' as const, name: 'MASK', bitpix: 16 as const, axes, pixels: mask }]],
      ['without', []],
    ] as const) {
      writeFits(path, [{ kind: 'image', header, bitpix: -32, axes, pixels: some }, ...planes])
      const keys = ['limit.injected=0', 'series.plots=no', 'zero point.catalogue=catalogue.csv']
      const out = name.replace(' ', '-')
      const { status, stderr } = run(['-s', 'frames', '-r', out, ...keys.flatMap((key) => ['--set', key])], cwd)
      t.equal(status, 0, stderr)
      const stars = rowsOf(join(cwd, out, 'stars.csv'))
      const curves = rowsOf(join(cwd, out, 'lightcurves.csv'))
      const limits = (which: number) => {
        const { x, y } = STARS[which]!
        const star = stars.find((one) => Math.hypot(Number(one.x_px) - 1 - x, Number(one.y_px) - 1 - y) < 1)?.star
        const points = curves.filter((point) => point.star === star)
        t.ok(points.length >= 3, `${name}: ${which} has its points`)
        return points.filter(({ upper_limit_mag }) => upper_limit_mag !== '').map(({ frame }) => frame)
      }
      t.same(limits(bare), [], `${name}: not exposed`)
      if (name === 'with a mask') t.same(limits(hidden), [], 'hidden')
      t.same(limits(gone), ['frame-0'], `${name}: without light`)
    }
  },
)

t.test('limits of a frame whose pixels share their noise are those of its stars', async (t) => {
  const cwd = t.testdir({})
  writeNight(cwd, STARS, FRAMES.slice(0, 1))
  const raw = openFits(join(cwd, 'frames/frame-0.fits'))
  const { pixels } = readFrame(raw)
  const header = raw.hdus[0]!.header
  raw.close()
  // what a shift by half a pixel does: the noise of a pixel halves, that of a star hardly changes
  const smooth = pixels.map((_, p) => {
    const [x, y] = [Math.min(p % SIDE, SIDE - 2), Math.min(Math.floor(p / SIDE), SIDE - 2)]
    const q = y * SIDE + x
    return (pixels[q]! + pixels[q + 1]! + pixels[q + SIDE]! + pixels[q + SIDE + 1]!) / 4
  })
  writeFits(join(cwd, 'frames/smooth.fits'), [
    { kind: 'image', header, bitpix: -32, axes: [SIDE, SIDE], pixels: smooth },
  ])
  const { status, stderr } = run(
    ['-s', 'frames', '-r', 'out', '--set', 'limit.injected=0', '--set', 'series.curves=no'],
    cwd,
  )
  t.equal(status, 0, stderr)
  const [plain, shifted] = rowsOf(join(cwd, 'out/photometry.csv')).map((row) => Number(row.limit_psf_mag))
  // stars are a tenth wider; by the noise of single pixels it would be 0.75 mag fainter
  t.ok(Math.abs(plain! - shifted!) < 0.2, `${plain} and ${shifted}`)
})

t.test('what cannot work is refused in one line before a frame is measured', async (t) => {
  const cwd = t.testdir({})
  writeNight(cwd, STARS.slice(0, 20), FRAMES.slice(0, 1))
  const refused = (key: string, code: number, message: RegExp) => {
    const { status, stderr } = run(['-s', 'frames', '-r', 'out', '--set', key], cwd)
    t.equal(status, code, stderr)
    t.match(stderr, message)
    t.equal(stderr.trim().split('\n').length, 1)
  }
  refused('zero point.catalogue=none.csv', 3, /none\.csv/)
  refused('targets.list=none.csv', 3, /none\.csv/)
  refused('aperture.radi=3', 2, /unknown key 'radi' in \[aperture\]/)
})

t.test('the model of the profile alone is a file of its own', async (t) => {
  const cwd = t.testdir({})
  writeNight(cwd, STARS, FRAMES.slice(0, 1))
  const { status, stdout, stderr } = run(['-s', 'frames', '-r', 'out', '--set', 'psf.model=only'], cwd)
  t.equal(status, 0, stderr)
  t.equal(stdout, 'out/frame-0.psf.fits\n')
  const file = openFits(join(cwd, 'out/frame-0.psf.fits'))
  t.ok(Math.abs(numberOf(file.hdus.find(({ name }) => name === 'PSF')!.header, 'PSFBETA')! - 3) < 0.2)
  file.close()
})

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CardValue, createHeader, encodeFits, numberOf, readFrame, textOf, writeFits } from '@nightpipe/fits'
import { medianOf, random } from '@nightpipe/math'
import { executable, finish, outside, scratch, set } from '@nightpipe/testing'
import t from 'tap'
import { CAMERA, makeNight, named, reduced, reduction, writeImage } from './support/night.js'

t.test('the file of the seed runs as it is, and each of its keys counts', async (t) => {
  const night = makeNight({ light: 300, width: 240, height: 200 })
  const file = (changes: Record<string, number> = {}) => {
    const values: Record<string, number> = { ps: 0.000195, gain: 6.2, sat_level: 7000, detect_thresh: 1, ...changes }
    const path = join(night.folder, 'reduction.cfg')
    const lines = Object.entries(values).map(([key, value]) => `${key.padEnd(13)} = ${value}\t`)
    writeFileSync(
      path,
      `[Input and Output]\ninput  = ${join(night.folder, 'raw')}\noutput = ${join(night.folder, 'out')}\n` +
        `[Calibration]\ndark = ${night.masters[1]}\nflat = ${night.masters[2]}\nbias = ${night.masters[0]}\n` +
        `[Parameters]\n${lines.join('\n')}\n`,
    )
    const { code, stdout, stderr } = reduction('--config', path)
    t.equal(code, 0, stderr)
    t.equal(stdout, `${join(night.folder, 'out', 'm67.fits')}\n`)
    return readFrame(stdout.trim())
  }
  const frame = file()
  const header = (keyword: string) => numberOf(frame.header, keyword)
  t.ok(Math.abs(header('PIXSCALE')! - 0.702) < 1e-9, 'ps')
  t.ok(Math.abs(header('CD2_2')! - 0.000195) < 1e-12)
  t.ok(Math.abs(header('CRVAL1')! - 132.85) < 1e-9)
  t.equal(textOf(frame.header, 'BUNIT'), 'electron')
  const sky = medianOf(frame.pixels)
  t.ok(Math.abs(medianOf(file({ gain: 3.1 }).pixels) / sky - 0.5) < 0.01, 'gain')
  t.ok(Math.abs(numberOf(file({ ps: 0.0001 }).header, 'PIXSCALE')! - 0.36) < 1e-9)
  t.equal(header('NSAT'), 0)
  t.ok(numberOf(file({ sat_level: 1200 }).header, 'NSAT')! > 100, 'sat_level')
  t.not(numberOf(file({ detect_thresh: 20 }).header, 'SKYSIG'), header('SKYSIG'), 'detect_thresh')
})

t.test('a disk that has no room for a master is named, not the master that is missing then', async (t) => {
  const folder = scratch()
  mkdirSync(join(folder, 'raw'))
  const noise = random(5)
  const shot = (name: string, type: string, seconds: number) => {
    const pixels = Float32Array.from({ length: 200 * 150 }, () => 1000 + 5 * noise.normal())
    writeImage(join(folder, 'raw', name), pixels, 200, [...CAMERA, ['OBSTYPE', type], ['EXPTIME', seconds]])
  }
  for (let k = 0; k < 4; k++) shot(`bias-${k}.fits`, 'BIAS', 0)
  shot('m67.fits', 'OBJECT', 30)
  // a limit for the size of a file stands for the disk: 100 kB, where a master takes 300
  const call = `ulimit -f 100; exec "$0" "$1" -s raw -r out --set calibration.dark=none --set calibration.flat=none`
  const done = finish(outside('bash', '-c', call, process.execPath, executable('reduction')), { cwd: folder })
  t.equal(done.status, 3)
  t.match(done.stderr, /^reduction: cannot write .*bias_CAM\.fits: .*\(.*\)$/m)
  t.notMatch(done.stderr, /needs a master/)
  t.same(
    readdirSync(join(folder, 'out/calibrations')).filter((name) => name.endsWith('.part')),
    [],
  )
})

t.test('a master that is damaged is refused, also when it is looked through while it is read', async (t) => {
  const damage = (path: string, cards: [string, string | number][]) => {
    const frame = readFrame(path)
    const header = createHeader([...cards, ['BUNIT', 'adu']])
    const bytes = encodeFits([
      { kind: 'image', bitpix: -32, axes: [frame.width, frame.height], pixels: frame.pixels, header },
    ])
    bytes[bytes.length - 3000] ^= 1
    const name = path.replace('.fits', '-damaged.fits')
    writeFileSync(name, bytes)
    return name
  }
  for (const plain of [false, true]) {
    const night = makeNight()
    const settings = [...named(night), ...(plain ? set('frame.error=no', 'cosmic rays.method=none') : [])]
    for (const [k, role] of ['bias', 'dark', 'flat'].entries()) {
      const ours = damage(night.masters[k], [['NP_CMD', 'stack-calibrations']])
      const { code, stderr } = reduction(
        '-s',
        join(night.folder, 'raw'),
        '-r',
        join(night.folder, 'out'),
        ...settings,
        ...set(`calibration.${role}=${ours}`),
      )
      t.equal(code, 3, stderr)
      t.match(stderr, /-damaged.fits, HDU 0: the data do not agree with their DATASUM/)
    }
  }
})

t.test('a wrong master, frame or key is one line that says what to do', async (t) => {
  const night = makeNight()
  const out = join(night.folder, 'out')
  const { width, height } = night
  const odd = (name: string, cards: [string, string | number][], w = width, h = height) =>
    writeImage(join(night.folder, name), new Float32Array(w * h).fill(1), w, [
      ...CAMERA.filter(([key]) => !cards.some(([own]) => own === key)),
      ...cards,
    ])
  const cases: [string, number, RegExp, string[]][] = [
    [
      'another size',
      3,
      /bias2.fits is 100x90, but the frame is 200x160 \(232x160 with its overscan\)/,
      [`calibration.bias=${odd('bias2.fits', [], 100, 90)}`],
    ],
    [
      'another type',
      3,
      /d.fits is a dark, not a bias/,
      [`calibration.bias=${odd('d.fits', [['IMAGETYP', 'master dark']])}`],
    ],
    [
      'another filter',
      3,
      /g.fits is of filter g, not r/,
      [
        `calibration.flat=${odd('g.fits', [
          ['IMAGETYP', 'master flat'],
          ['FILTER', 'g'],
        ])}`,
      ],
    ],
    [
      'another camera',
      3,
      /c.fits is of instrument OTHER, not CAM/,
      [`calibration.flat=${odd('c.fits', [['INSTRUME', 'OTHER']])}`],
    ],
    ['no such file', 2, /\[calibration\] dark: nowhere.fits does not exist/, ['calibration.dark=nowhere.fits']],
    ['no masters there', 2, /calibrations.csv does not exist/, [`calibration.dark=${night.folder}`]],
    ['an unknown key', 2, /unknown key/, ['calibration.drak=x.fits']],
    ['an unknown bit', 2, /'holes' is none of bad, saturated/, ['interpolate.bits=holes']],
    [
      'a bias with the level still in it',
      3,
      /bias3.fits lies at 998.0 adu, but the overscan, 1000.* adu, is subtracted too/,
      [
        `calibration.bias=${writeImage(join(night.folder, 'bias3.fits'), new Float32Array(width * height).fill(998), width, [])}`,
      ],
    ],
    [
      'a bias made in another way',
      3,
      /was made with overscan none, the frames are reduced with rows/,
      [
        `calibration.bias=${odd('b4.fits', [
          ['IMAGETYP', 'master bias'],
          ['OVERSCAN', 'none'],
        ])}`,
      ],
    ],
  ]
  for (const [name, code, message, settings] of cases) {
    const result = reduction('-s', night.raw, '-r', out, ...named(night), ...set(...settings))
    t.equal(result.code, code, `${name}: exit ${result.code}`)
    t.match(result.stderr, message, name)
    t.notMatch(result.stderr, /\n\s+at /, 'no stack trace')
    t.equal(result.stdout, '')
  }
})

t.test('frames that cannot be reduced are set aside, each with its reason', async (t) => {
  const night = makeNight({ width: 80, height: 60 })
  const raw = join(night.folder, 'raw')
  const n = 112 * 60
  const sections: [string, string | number][] = [
    ['TRIMSEC', '[1:80,1:60]'],
    ['BIASSEC', '[81:112,1:60]'],
  ]
  const cards: [string, CardValue][] = [...CAMERA, ['IMAGETYP', 'object'], ['GAIN', 2], ['RDNOISE', 6], ...sections]
  const frame = (name: string, value: number, more: [string, string | number][]) =>
    writeImage(join(raw, name), new Float32Array(n).fill(value), 112, [...cards, ...more])
  frame('saturated.fits', 65000, [
    ['EXPTIME', 30],
    ['SATURATE', 60000],
  ])
  frame('nan.fits', Number.NaN, [['EXPTIME', 30]])
  frame('untimed.fits', 1200, [])
  frame('zero.fits', 1200, [['EXPTIME', 0]])
  writeImage(join(raw, 'bias1.fits'), new Float32Array(n), 112, [...CAMERA, ['IMAGETYP', 'bias']])
  writeFileSync(join(raw, 'text.fits'), 'no FITS at all\n')
  writeFileSync(join(raw, 'cut.fits'), readFileSync(night.raw).subarray(0, 20000))
  const out = join(night.folder, 'out')
  const { code, stdout, stderr } = reduction('-s', raw, '-r', out, ...named(night))
  t.equal(code, 5, stderr)
  t.equal(stdout, `${join(out, 'm67.fits')}\n${join(out, 'zero.fits')}\n`)
  const report = readFileSync(join(out, 'reduction.csv'), 'utf8')
  const row = (name: string) => report.split('\n').find((line) => line.includes(`/${name},`)) ?? ''
  t.match(row('saturated.fits'), /rejected,100.0 % of the pixels are saturated/)
  t.match(row('nan.fits'), /rejected,no pixel has a value/)
  t.match(row('untimed.fits'), /failed,"?tells no exposure time/)
  t.match(row('bias1.fits'), /rejected,"?is a bias frame/)
  t.match(row('text.fits'), /failed,.*text.fits/)
  t.match(row('cut.fits'), /failed,.*cut.fits/)
  t.notMatch(stderr, /\n\s+at /)
  const again = reduction('-s', join(out, 'm67.fits'), '-r', join(night.folder, 'out2'), ...named(night))
  t.match(
    readFileSync(join(night.folder, 'out2', 'reduction.csv'), 'utf8'),
    /is no raw frame: an object made by reduction/,
  )
  t.equal(again.stdout, '')
  const perSecond = reduction('-s', join(raw, 'zero.fits'), '-r', out, ...named(night), ...set('frame.per second=yes'))
  t.equal(perSecond.code, 3)
  t.match(perSecond.stderr, /has an exposure time of 0: it cannot be divided by it/)
})

t.test('what is not named is chosen from a folder by filter and date, and the header says so', async (t) => {
  const night = makeNight()
  const folder = scratch()
  const row = (name: string, type: string, filter: string, jd: number) =>
    `${name},${type},CAM,,,${filter},1x1,,200,160,1,100,10,${jd},,0,0,1,adu,,,0000,`
  const rows: string[] = []
  for (const [k, type] of ['bias', 'dark', 'flat'].entries()) {
    for (const [name, mjd] of [
      ['old', 61090],
      ['near', 61099.5],
    ] as const) {
      const { pixels, header } = readFrame(night.masters[k])
      const cards = header.cards.filter((c) => /^(INSTRUME|FILTER|IMAGETYP|BINNING|BUNIT|EXPTIME)$/.test(c.keyword))
      const own = [
        ...cards.map((c): [string, string | number] => [c.keyword, c.value as string]),
        ['MJD-OBS', mjd] as [string, number],
      ]
      writeImage(join(folder, `${type}_${name}.fits`), pixels, night.width, own)
      rows.push(row(`${type}_${name}.fits`, type, type === 'flat' ? 'r' : '', mjd + 2400000.5))
    }
  }
  const columns =
    'filename,type,instrument,camera,site,filter,binning,readmode,width_px,height_px,exposure_s,depth_s,navg,jd,date,mean,median,rms,unit,gain_e,readnoise_e,flags,np_id'
  writeFileSync(join(folder, 'calibrations.csv'), `${columns}\n${rows.join('\n')}\n`)
  const out = join(night.folder, 'out')
  const { code, stderr } = reduction('-s', night.raw, '-r', out, ...set(`calibration.folder=${folder}`))
  t.equal(code, 0, stderr)
  const { header } = readFrame(join(out, 'm67.fits'))
  for (const type of ['BIAS', 'DARK', 'FLAT']) {
    t.equal(textOf(header, `${type}FILE`), `${type.toLowerCase()}_near.fits`)
    // 2026-03-01T04:00 is MJD 61100.16667
    t.ok(Math.abs(numberOf(header, `${type}AGE`)! - 0.6666667) < 1e-5)
  }
  const old = reduction('-s', night.raw, '-r', out, ...set(`calibration.folder=${folder}`, 'calibration.age=0.1'))
  t.equal(old.code, 3)
  t.match(old.stderr, /needs a master bias of CAM, and there is none \(bias_near.fits: 0.67 d away, more than 0.1 d\)/)
  const none = reduction('-s', night.raw, '-r', out)
  t.equal(none.code, 3)
  t.match(
    none.stderr,
    /needs a master bias of CAM, and there is none \(name one in \[calibration\] bias, add bias frames/,
  )
})

t.test('the same bytes with one worker and two, in another folder, and nothing is done twice', async (t) => {
  const night = makeNight({ width: 1100, height: 900, stars: 40 })
  const second = makeNight({ width: 1100, height: 900, seed: 2, stars: 40 })
  renameSync(second.raw, join(night.folder, 'raw', 'm68.fits'))
  const raw = join(night.folder, 'raw')
  const [a, b] = [join(night.folder, 'a'), join(scratch(), 'b', 'c')]
  t.equal(reduction('-s', raw, '-r', a, '--workers', '1', ...named(night)).code, 0)
  t.equal(
    reduction('-s', join(raw, 'm68.fits'), '-s', join(raw, 'm67.fits'), '-r', b, '--workers', '2', ...named(night))
      .code,
    0,
  )
  for (const name of ['m67.fits', 'm68.fits']) {
    t.ok(readFileSync(join(a, name)).equals(readFileSync(join(b, name))), `${name} is the same`)
  }
  const before = readFileSync(join(a, 'reduction.csv'), 'utf8')
  const again = reduction('-s', raw, '-r', a, ...named(night))
  t.equal(again.code, 0)
  t.equal(readFileSync(join(a, 'reduction.csv'), 'utf8'), before, 'not even the seconds changed')
})

t.test(
  'raw frames of a spectrograph whose profile nobody named: one line says which shipped one knows them',
  async (t) => {
    const folder = scratch()
    for (const [k, type] of ['BIAS', 'DOUBLE', 'TARGET'].entries()) {
      const cards: [string, CardValue][] = [
        ['OBSTYPE', type],
        ['OBJECTS', type === 'BIAS' ? 'none&none&none' : 'thar&thar&none'],
        ['INSTRUME', 'fa13'],
      ]
      const more: [string, CardValue][] = [
        ['TELESCOP', 'nres03'],
        ['EXPTIME', 60],
      ]
      writeImage(join(folder, `f${k}.fits`), new Float32Array(64 * 64).fill(1000), 64, [...cards, ...more])
    }
    const unnamed = reduction('-s', folder, '-r', join(folder, 'out'))
    t.equal(
      unnamed.stderr.split('belong to the instrument profile nres: set [instrument] profile = nres').length,
      2,
      unnamed.stderr,
    )
    const alone = reduction('-s', join(folder, 'f1.fits'), '-r', join(folder, 'two'))
    t.match(alone.stderr, /f1\.fits belongs to the instrument profile nres/)
    t.notMatch(reduction('-s', folder, '-r', join(folder, 'three'), ...set('instrument.profile=nres')).stderr, /belong/)
  },
)

t.test('without a gain or read noise it says what it assumes', async (t) => {
  const folder = scratch()
  mkdirSync(join(folder, 'raw'))
  const raw = writeImage(join(folder, 'raw', 'x.fits'), new Float32Array(64 * 64).fill(100), 64, [
    ['IMAGETYP', 'object'],
  ])
  const none = set('calibration.bias=none', 'calibration.dark=none', 'calibration.flat=none')
  const { code, stderr } = reduction('-s', raw, '-r', join(folder, 'out'), ...none)
  t.equal(code, 0, stderr)
  t.match(stderr, /x.fits tells no gain: 1 electron per adu assumed/)
  t.match(stderr, /x.fits tells no read noise: that of the sky is taken/)
})

t.test('planes that are not wanted are not written', async (t) => {
  const night = makeNight()
  const frame = reduced(night, 'frame.error=no', 'frame.mask=no', 'cosmic rays.method=none')
  t.equal(frame.error, undefined)
  t.equal(frame.mask, undefined)
  const withError = reduced(night, 'cosmic rays.method=none')
  t.same(frame.pixels, withError.pixels)
  t.ok(existsSync(night.raw))
})

t.test('integers of 16 bits, calibrated as they lie in their files, give what those of 32 bits do', async (t) => {
  const night = makeNight({ light: 3000 })
  const { width, height } = night
  const { normal } = random(8)
  const cards: [string, CardValue][] = [...CAMERA, ['IMAGETYP', 'object'], ['EXPTIME', 30], ['SATURATE', 2400]]
  const header = createHeader([...cards, ['GAIN', 2], ['RDNOISE', 6]])
  const names = ['a.fits', 'b.fits', 'c.fits']
  for (const name of names) {
    const pixels = Int32Array.from(night.truth, (light) => Math.round(200 + light / 2 + 10 * normal()))
    const axes = [width, height]
    for (const bitpix of [16, 32] as const) {
      const folder = join(night.folder, `raw${bitpix}`)
      mkdirSync(folder, { recursive: true })
      const unsigned = bitpix === 16
      writeFits(join(folder, name), [{ kind: 'image', bitpix, axes, pixels, header, ...(unsigned && { unsigned }) }])
    }
  }
  const plain = set('frame.error=no', 'cosmic rays.method=none')
  const made = [16, 32].map((bits) => {
    const output = join(night.folder, `out${bits}`)
    const { code, stderr } = reduction('-s', join(night.folder, `raw${bits}`), '-r', output, ...named(night), ...plain)
    t.equal(code, 0, stderr)
    return names.map((name) => readFrame(join(output, name)))
  })
  for (const [k, name] of names.entries()) {
    t.same(made[0]![k]!.pixels, made[1]![k]!.pixels, name)
    t.same(made[0]![k]!.mask, made[1]![k]!.mask)
    t.ok(made[0]![k]!.mask!.includes(2), 'some pixels are saturated')
  }
})

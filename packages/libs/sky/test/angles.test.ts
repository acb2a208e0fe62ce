import t from 'tap'
import {
  angularSeparation,
  formatSexagesimal,
  fromGalactic,
  parseAngle,
  positionAngle,
  toGalactic,
  wrapDegrees,
} from '../src/index.js'
import { reference } from './reference.js'

t.test('angles agree with astropy', async (t) => {
  for (const { text, unit, degrees } of reference.angles) {
    t.ok(Math.abs(parseAngle(text, unit)! - degrees) < 1e-12, `${text} ${parseAngle(text, unit)} ${degrees}`)
  }
})

t.test('angles as headers write them', async (t) => {
  const cases: [string | number, 'hours' | 'degrees', number][] = [
    ['-00 00 01', 'degrees', -1 / 3600],
    ['-00:00:01', 'hours', -15 / 3600],
    [' 12:30 ', 'degrees', 12.5],
    ['12h30m', 'degrees', 187.5],
    ['12h', 'degrees', 180],
    ['12.5h', 'degrees', 187.5],
    ['12d30m', 'hours', 12.5],
    ['+12° 30\' 36"', 'degrees', 12.51],
    ['42 55 58 N', 'degrees', 42 + 55 / 60 + 58 / 3600],
    ['33 56 05 S', 'degrees', -(33 + 56 / 60 + 5 / 3600)],
    ['10:30:00W', 'degrees', -10.5],
    ['12h30m15s', 'degrees', (12 + 30 / 60 + 15 / 3600) * 15],
    ['273.87', 'degrees', 273.87],
    ['1.5D1', 'degrees', 15],
    [18.258, 'hours', 273.87],
  ]
  for (const [text, unit, degrees] of cases)
    t.ok(Math.abs(parseAngle(text, unit)! - degrees) < 1e-9, `${text} ${parseAngle(text, unit)}`)
})

t.test('what is no angle is refused', async (t) => {
  for (const text of [
    '',
    'N/A',
    'NaN',
    '12:60:00',
    '12:00:60',
    '1:2:3:4',
    '12.5:30',
    'M 31',
    '--1',
    Number.NaN,
    Number.POSITIVE_INFINITY,
  ]) {
    t.equal(parseAngle(text, 'degrees'), undefined, String(text))
  }
})

t.test('angles are written with sign, width and carry', async (t) => {
  t.equal(formatSexagesimal(256.1674625, 'hours', 3), '17:04:40.191')
  t.equal(formatSexagesimal(12.788429, 'degrees', 2), '+12:47:18.34')
  t.equal(formatSexagesimal(-1 / 3600, 'degrees', 0), '-00:00:01')
  t.equal(formatSexagesimal(359.9999999, 'hours', 2), '00:00:00.00')
  t.equal(formatSexagesimal(59.999999, 'degrees', 1), '+60:00:00.0')
  t.equal(formatSexagesimal(-15, 'hours', 1, ' '), '23 00 00.0')
  for (let k = 0; k < 500; k++) {
    const dec = -90 + k * 0.360713
    t.ok(Math.abs(parseAngle(formatSexagesimal(dec, 'degrees', 3), 'degrees')! - dec) * 3600 <= 0.00051)
    const ra = k * 0.71999
    t.ok(Math.abs(parseAngle(formatSexagesimal(ra, 'hours', 4), 'hours')! - ra) * 3600 <= 0.00076)
  }
})

t.test('angles wrap to one turn without losing digits', async (t) => {
  t.equal(wrapDegrees(31.312099), 31.312099)
  t.equal(wrapDegrees(-10), 350)
  t.equal(wrapDegrees(360), 0)
  t.equal(wrapDegrees(-720), 0)
})

t.test('galactic coordinates agree with astropy to the 0.05 arcsec by which the constants differ', async (t) => {
  // Astropy's pole has more digits (Reid & Brunthaler 2004): the rounded constants of 1960 differ by 0.04 arcsec.
  for (const { ra, dec, l, b } of reference.galactic) {
    t.ok(angularSeparation(toGalactic([ra, dec]), [l, b]) * 3600 < 0.05, `${ra} ${dec}`)
    t.ok(angularSeparation(fromGalactic(toGalactic([ra, dec])), [ra, dec]) * 3600 < 1e-6)
  }
  t.ok(Math.abs(toGalactic([192.85948, 27.12825])[1] - 90) < 1e-6)
  const [l, b] = toGalactic([266.40499, -28.93617])
  t.ok(Math.min(l, 360 - l) < 1e-4 && Math.abs(b) < 1e-4, 'the galactic centre')
})

t.test('separations and position angles agree with astropy from a milliarcsecond to half the sky', async (t) => {
  for (const { from, to, separation, positionAngle: angle } of reference.separations) {
    t.ok(Math.abs(angularSeparation(from, to) - separation) < 1e-11 + 1e-9 * separation, `${separation}`)
    const turn = Math.abs(positionAngle(from, to) - angle)
    t.ok(Math.min(turn, 360 - turn) * Math.sin((separation * Math.PI) / 180) < 1e-9, `${angle}`)
  }
  t.equal(angularSeparation([10, 20], [10, 20]), 0)
  t.equal(angularSeparation([0, 90], [123, -90]), 180)
})

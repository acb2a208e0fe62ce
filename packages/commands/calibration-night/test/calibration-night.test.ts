import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHeader, writeFits } from '@nightpipe/fits'
import { call } from '@nightpipe/testing'
import t from 'tap'

const run = (...args: string[]) => {
  return call('calibration-night', args)
}

const SIDE = 64
/** Numbers between -1 and 1 that look random and are the same every time. */
const noise = (k: number) => 2 * (Math.abs(Math.sin(k * 12.9898 + 4.1) * 43758.5453) % 1) - 1

interface Frame {
  name: string
  type: string
  level: number
  date: string
  exposure: number
}

function writeRaw(folder: string, { name, type, level, date, exposure }: Frame): void {
  mkdirSync(folder, { recursive: true })
  const pixels = Float64Array.from({ length: SIDE * SIDE }, (_, p) =>
    Math.round(level + 10 * noise(p + 7919 * name.length + level)),
  )
  const header = createHeader([
    ['IMAGETYP', type],
    ['INSTRUME', 'cam'],
    ['FILTER', 'r'],
    ['EXPTIME', exposure],
    ['GAIN', 1.5],
    ['RDNOISE', 9],
    ['SATURATE', 60000],
    ['DATE-OBS', date],
  ])
  writeFits(join(folder, `${name}.fits`), [
    { kind: 'image', bitpix: 16, unsigned: true, axes: [SIDE, SIDE], pixels, header },
  ])
}

/** Four biases and four flats of a night, one flat saturated; `offset` raises the bias. */
function night(folder: string, day: string, offset = 0): string {
  for (let k = 0; k < 4; k++) {
    const minute = `${day}T20:0${k}:00`
    writeRaw(folder, { name: `bias${'x'.repeat(k)}`, type: 'bias', level: 1000 + offset, date: minute, exposure: 0 })
    const level = k === 3 ? 65000 : 20000 + 1000 * k
    writeRaw(folder, { name: `flat${'x'.repeat(k)}`, type: 'flat', level, date: `${day}T21:0${k}:00`, exposure: 2 })
  }
  return folder
}

t.test('a first night is refused without --bootstrap and put in force with it', async (t) => {
  const folder = t.testdir()
  const [raw, bank] = [night(join(folder, 'raw'), '2026-01-01'), join(folder, 'bank')]
  const refused = run('--input', raw, '--output', bank, '--quiet')
  t.equal(refused.status, 4, refused.stderr)
  t.match(refused.stderr, '--bootstrap')
  t.notOk(existsSync(join(bank, 'bias_cam.fits')))
  const accepted = run('--input', raw, '--output', bank, '--bootstrap', '--quiet')
  t.equal(accepted.status, 0, accepted.stderr)
  t.ok(existsSync(join(bank, 'bias_cam.fits')))
  const text = readFileSync(join(bank, 'nights/2026-01-01/night.txt'), 'utf8')
  t.match(text, /7 frames used, 1 set aside, 0 failed/)
  t.match(text, /accepted +flat_cam_r.fits/)
  t.match(text, /set aside +flatxxx.fits: 100 % of the pixels saturated/)
  const report = JSON.parse(readFileSync(join(bank, 'nights/2026-01-01/night.json'), 'utf8'))
  t.same(
    report.candidates.map((c: { master: string; verdict: string }) => [c.master, c.verdict]),
    [
      ['bias_cam.fits', 'accepted'],
      ['flat_cam_r.fits', 'accepted'],
    ],
  )
})

t.test('a later night whose bias has moved is refused, and the bank stays as it was', async (t) => {
  const folder = t.testdir()
  const bank = join(folder, 'bank')
  t.equal(run('--input', night(join(folder, 'a'), '2026-01-01'), '--output', bank, '--bootstrap', '--quiet').status, 0)
  const before = readFileSync(join(bank, 'bias_cam.fits'))
  const { status, stderr } = run('--input', night(join(folder, 'b'), '2026-01-02', 10), '--output', bank, '--quiet')
  t.equal(status, 4, stderr)
  t.match(stderr, /mean of the difference is (9\.|10)/)
  t.ok(before.equals(readFileSync(join(bank, 'bias_cam.fits'))))
})

t.test('--date takes the frames from noon to noon, and names the folder of the night', async (t) => {
  const folder = t.testdir()
  const raw = join(folder, 'raw')
  night(join(raw, '1'), '2026-01-01')
  night(join(raw, '2'), '2026-01-02', 5)
  const { status, stderr } = run(
    '--input',
    raw,
    '--output',
    join(folder, 'bank'),
    '--date',
    '2026-01-01',
    '--bootstrap',
    '--quiet',
  )
  t.equal(status, 0, stderr)
  const text = readFileSync(join(folder, 'bank/nights/2026-01-01/night.txt'), 'utf8')
  t.match(text, /^7 frames used/)
})

t.test('an empty night is a success with an empty report', async (t) => {
  const folder = t.testdir({ raw: {} })
  const { status, stderr } = run('--input', join(folder, 'raw'), '--output', join(folder, 'bank'))
  t.equal(status, 0, stderr)
  t.equal(readFileSync(join(folder, 'bank/nights/undated/night.txt'), 'utf8'), 'No calibration frames were taken.\n')
})

t.test('a day that is none is refused before anything is done', async (t) => {
  const folder = t.testdir({ raw: {} })
  const { status, stderr } = run(
    '--input',
    join(folder, 'raw'),
    '--output',
    join(folder, 'bank'),
    '--date',
    'yesterday',
  )
  t.equal(status, 2)
  t.match(stderr, /--date yesterday: expected a day such as/)
})

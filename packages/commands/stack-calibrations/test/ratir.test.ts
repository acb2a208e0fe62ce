// Real frames of RATIR C1 (see the README beside them), which are not ours to publish.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { FIXTURES } from '@nightpipe/testing'
import t from 'tap'
import { master, report, run } from './support/run.js'

const RATIR = join(FIXTURES, 'imaging_raw/ratir_c1')
const skip = existsSync(RATIR) ? false : `${RATIR} is absent`

t.test(
  'the night of RATIR C1: read noise, gain and dark as its README says; the saturated flat set aside',
  { skip },
  async (t) => {
    const out = join(t.testdir(), 'out')
    const { status, stdout, stderr } = run(RATIR, out, '--set', 'instrument.profile=ratir-c1')
    t.equal(status, 0, stderr)
    const names = ['bias_RATIR-C1_2x2.fits', 'dark_RATIR-C1_2x2.fits', 'flat_RATIR-C1_i_2x2.fits']
    t.same(
      stdout.trimEnd().split('\n'),
      names.map((name) => join(out, name)),
    )
    const [bias, dark, flat] = names.map((name) => master(out, name))
    const rows = report(out)
    t.match(rows.get('20130716T031009C1f.fits.gz'), { status: 'rejected', reason: '100 % of the pixels saturated' })
    t.equal([...rows.values()].filter(({ status }) => status === 'done').length, 11)
    t.equal(flat.number('NFRAMES'), 4)
    // Read noise 2.42 ADU, gain about 4.5 e/ADU, dark about 0.11 ADU/s: figures to the digits that are given.
    t.ok(Math.abs(bias.number('RDNADU') - 2.42) < 0.05, `read noise ${bias.number('RDNADU')} adu`)
    t.ok(Math.abs(flat.number('GAIN') / 4.5 - 1) < 0.06, `gain ${flat.number('GAIN')} e/adu`)
    t.ok(Math.abs(dark.number('MEDIAN') - 0.11) < 0.005, `dark ${dark.number('MEDIAN')} adu/s`)
    // No truth is known: the scatter of the bias about its neighbours is its noise, and what structure there is.
    const noise = bias.number('RDNADU') / Math.sqrt(bias.number('NFRAMES'))
    t.ok(bias.number('RMS') < 1.05 * noise, `bias rms ${bias.number('RMS')}, noise ${noise}`)
    t.ok(dark.number('NHOT') > 100 && dark.number('NHOT') < 0.01 * dark.pixels.length)
  },
)

t.test('profiles are not needed where headers speak for themselves', { skip }, async (t) => {
  const out = join(t.testdir(), 'out')
  const { status, stderr } = run([join(RATIR, 'bias'), join(RATIR, 'flat')], out)
  t.equal(status, 0, stderr)
  t.match(report(out).get('20130716T031009C1f.fits.gz'), {
    status: 'rejected',
    reason: '100 % of the pixels saturated',
  })
})

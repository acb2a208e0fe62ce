// The real night of RATIR C1, where its frames are: what is known of it from its README, and from numpy on its own.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { attempt, line, skipped } from './verdict.mjs'
import { numberOf, readFrame, rowsOf } from './workshop.mjs'

const GROUP = 'Real frames: RATIR C1, 2013-07-16'

export function ratir(shop) {
  const fixtures = process.env.NIGHTPIPE_FIXTURES ?? join(shop.root, '../shared/fixtures')
  const raw = join(fixtures, 'imaging_raw/ratir_c1')
  if (!existsSync(raw)) return [skipped(GROUP, 'the night', 'its frames are not here')]
  return attempt(GROUP, 'the night', () => {
    const [masters, reduced] = [shop.path('ratir-masters'), shop.path('ratir-reduced')]
    const profile = ['--set', 'instrument.profile=ratir-c1', '--quiet']
    shop.run('stack-calibrations', ['-s', raw, '-r', masters, ...profile])
    shop.run('reduction', ['-s', raw, '-r', reduced, ...profile, '--set', `calibration.folder=${masters}`])
    const card = (name, keyword) => numberOf(readFrame(join(masters, name)).header, keyword)
    const gain = card('flat_RATIR-C1_i_2x2.fits', 'GAIN')
    const rows = rowsOf(join(reduced, 'reduction.csv')).filter(({ status }) => status === 'done')
    const noise = rows.map((row) => Number(row.sky_sigma) / gain)
    const flats = rowsOf(join(masters, 'stack-calibrations.csv')).filter(({ type }) => type === 'flat')
    const saturated = flats.filter(({ status, reason }) => status === 'rejected' && /saturated/.test(reason)).length
    return [
      line(GROUP, 'saturated flats set aside', saturated, { limit: { least: 1, most: 1 } }),
      line(GROUP, 'read noise', card('bias_RATIR-C1_2x2.fits', 'RDNADU'), {
        ...{ limit: { least: 2.37, most: 2.47 }, unit: 'ADU', note: 'README 2.42' },
      }),
      line(GROUP, 'gain', gain, { limit: { least: 4.2, most: 4.8 }, unit: 'e/ADU', note: 'README about 4.5' }),
      line(GROUP, 'dark', card('dark_RATIR-C1_2x2.fits', 'MEDIAN'), {
        ...{ limit: { least: 0.1, most: 0.12 }, unit: 'ADU/s', note: 'README about 0.11' },
      }),
      line(
        GROUP,
        `sky noise of ${rows.length} reduced frames`,
        noise.reduce((a, b) => Math.max(a, b), 0),
        {
          ...{ limit: { most: 2.95 }, target: { most: 2.9 }, unit: 'ADU', note: 'the largest; raw 4.69' },
        },
      ),
    ]
  })
}

// Extraction: calibrated frames of a 4096x4096 spectrograph of 67 orders, star and lamp side by side, to spectra.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const folderOf = (data) => join(data, 'echelle-extract')
const sets = (...all) => all.flatMap((one) => ['--set', one])
const PROFILE = sets('instrument.profile=nres')
const NO_MASTERS = sets('calibration.bias=none', 'calibration.dark=none')

/** Files of a folder (and those below) whose names end so. */
const ending = (folder, end) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true })
        .map(String)
        .filter((name) => name.endsWith(end) && !name.startsWith('truth'))
        .sort()
        .map((name) => join(folder, name))
    : []

/** Two stars and a flat for each pair of fibres, calibrated, and the traces of the flats. */
export function prepare({ root, data, bin, run }) {
  const folder = folderOf(data)
  const at = (name) => join(folder, name)
  if (ending(at('reduced'), 'e00.fits').length > 0) return
  const config = join(root, 'configs/simulate/echelle-nres.ini')
  const few = sets('bias.count=0', 'dark.count=0', 'arc.count=0', 'star.frames=2', 'flat.count=1', 'files.truth=tables')
  run([bin('simulate'), 'echelle', '-c', config, '-r', at('raw'), '--quiet', ...few])
  const flats = ending(at('raw'), 'w00.fits')
  run([bin('trace0'), '-s', ...flats, '-r', at('first'), '--quiet', ...PROFILE])
  const [first] = ending(at('first'), '.fits')
  run([bin('trace-refine'), '-s', ...flats, '-r', at('traces'), '--traces', first, '--quiet', ...PROFILE])
  const [traces] = ending(at('traces'), '.fits')
  const stars = ending(at('raw'), 'e00.fits')
  const how = ['--traces', traces, '--quiet', ...PROFILE, ...NO_MASTERS]
  run([bin('reduction'), '-s', ...stars, '-r', at('reduced'), ...how])
}

export function works({ root, data, bin, python }) {
  const folder = folderOf(data)
  const frames = ending(join(folder, 'reduced'), 'e00.fits')
  const [traces = ''] = ending(join(folder, 'traces'), '.fits')
  const out = (name) => join(data, 'out', name)
  return [
    {
      id: 'echelle-extract',
      title: 'two frames of 4096x4096: 67 orders of 2 fibres extracted',
      ours: {
        argv: [bin('extract'), '-s', ...frames, '-r', out('extract'), '--traces', traces, '--quiet', ...PROFILE],
        output: [out('extract')],
      },
      peers: [
        {
          name: 'numpy by hand, orders by themselves',
          needs: [python],
          check: [python, '-c', 'import numpy, astropy'],
          argv: [python, join(root, 'scripts/peers/numpy_extract.py'), traces, out('extract-numpy'), '0,1', ...frames],
          output: [out('extract-numpy')],
        },
      ],
    },
  ]
}

// Nights of echelle spectrographs: ten raw flats of 4096x4096 to the master flat, one exposure of 67 orders from its raw frame
// to its velocity, and a whole night of 28 frames of 2048x2048 from nothing to velocities.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const sets = (...all) => all.flatMap((one) => ['--set', one])
const treeOf = (data) => join(data, 'echelle-nres/cpt/nres03/reduced')
const mediumOf = (data) => join(data, 'echelle-medium')

const irafOf = (data) => join(mediumOf(data), 'iraf')
const runsWell = (...argv) => spawnSync(argv[0], argv.slice(1)).status === 0

/** Raw frames of the big spectrograph whose names end so. */
const raw = (data, end) => {
  const folder = join(data, 'echelle-nres/cpt/nres03/20190405/raw')
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.includes(end))
    .sort()
    .map((name) => join(folder, name))
}

/** The set-up of a tree ends with the velocities of its stars. */
const isSetUp = (tree) =>
  existsSync(join(tree, 'rv')) && readdirSync(join(tree, 'rv')).some((name) => name.startsWith('RADV'))

/** A night of each, all calibrations of the big one, and the other as IRAF reads it. */
export function prepare({ root, data, bin, run, python }) {
  const simulate = (preset, folder, few) => {
    const config = join(root, `configs/simulate/echelle-${preset}.ini`)
    run([bin('simulate'), 'echelle', '-c', config, '-r', folder, '--quiet', ...few])
  }
  const big = join(data, 'echelle-nres')
  if (raw(data, 'w00').length === 0)
    simulate('nres', big, sets('bias.count=3', 'arc.count=1', 'star.frames=2', 'files.truth=tables'))
  if (!isSetUp(treeOf(data))) {
    const where = ['--root', big, '--site', 'cpt', '--nres-instrument', 'nres03', '--camera', 'fa13']
    run([bin('site-setup'), ...where, ...sets('setup.template frames=2')])
  }
  const medium = mediumOf(data)
  if (!existsSync(join(medium, 'simulate.csv'))) simulate('medium', medium, sets('files.truth=tables'))
  const hasIraf = runsWell('sh', '-c', 'command -v irafcl') && runsWell(python, '-c', 'import numpy, astropy')
  if (hasIraf && !existsSync(join(irafOf(data), 'database')))
    run([python, join(root, 'scripts/peers/iraf_night_prepare.py'), medium, irafOf(data)])
}

const quoted = (words) => words.map((word) => `'${word}'`).join(' ')

/** Commands one after the other, as a night runs them; each must end well. */
const inTurn = (...commands) => ['sh', '-c', commands.map(quoted).join(' && ')]

export function works({ root, data, bin, python }) {
  const tree = treeOf(data)
  const how = ['--tree', tree, '--camera', 'fa13', '--quiet', '--force']
  const temp = (folder, frames, end) =>
    frames.map((path) => join(tree, 'temp', folder, path.replace(/^.*\//, '').replace(/\.fits.*$/, end)))
  const flats = raw(data, 'w00')
  const stars = raw(data, 'e00').slice(0, 1)
  const window = ['--start', '2019-04-05T00:00:00', '--end', '2019-04-06T00:00:00']
  const medium = mediumOf(data)
  const reduced = join(medium, 'med/nres92/reduced')
  const iraf = join(irafOf(data), 'work')
  const site = ['--root', medium, '--site', 'med', '--nres-instrument', 'nres92', '--camera', 'fs92', '--quiet']
  return [
    {
      id: 'echelle-flats',
      title: 'ten flats of 4096x4096, 67 orders, raw to the master flat',
      ours: {
        argv: [bin('stack-calibrations'), '-s', ...flats, '--calibration-type', 'FLAT', ...window, ...how],
        output: [join(tree, 'temp/stack')],
        target: '8 s',
      },
      peers: [],
    },
    {
      id: 'echelle-exposure',
      title: 'one exposure of 4096x4096, 67 orders of star and lamp, raw to velocity',
      ours: {
        argv: inTurn(
          [bin('reduction'), '-s', ...stars, ...how],
          [bin('extract'), '-s', ...temp('red', stars, '.fits'), ...how],
          [bin('wavelength'), '-s', ...temp('extr', stars, '-1d.fits'), ...how],
          [bin('rv'), '-s', ...temp('wave', stars, '-1d.fits'), ...how],
        ),
        target: '10 s',
      },
      peers: [],
    },
    {
      id: 'echelle-night',
      title: 'a whole night of 28 frames of 2048x2048, 30 orders, from nothing to velocities',
      ours: { argv: [bin('site-setup'), ...site], output: [reduced], target: '18 s CPU' },
      countsCpu: true,
      peers: [
        {
          name: 'IRAF, without errors of pixels, masks, provenance',
          needs: ['irafcl'],
          check: [python, '-c', 'import numpy, astropy'],
          argv: [
            'sh',
            '-c',
            `HOME=${iraf}/ irafcl -f ${join(root, 'scripts/peers/iraf_night.cl')} && test -s velocities.txt`,
          ],
          cwd: iraf,
          output: [iraf],
          target: '1 CPU',
        },
      ],
    },
  ]
}

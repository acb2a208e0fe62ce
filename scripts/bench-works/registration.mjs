// Registration and stacking: reduced frames of one dithered field to frames on one grid, and to a stack.
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { prepare as prepareNight } from './calibration.mjs'

const fitsOf = (folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.fits'))
    .sort()

/** The field of the night, reduced; two of its frames by themselves; and two of a quarter of the size. */
export function prepare(tools) {
  prepareNight(tools)
  const { root, data, size, bin, run } = tools
  const reduced = join(data, 'reduced')
  const planes = ['--set', 'frame.error=no', '--set', 'frame.mask=no', '--set', 'cosmic rays.method=none']
  if (!existsSync(join(reduced, 'reduction.csv'))) {
    const bank = ['--set', `calibration.folder=${join(data, 'bank')}`]
    run([bin('reduction'), '-s', join(data, 'object'), '-r', reduced, '--quiet', ...bank, ...planes])
  }
  const pair = join(data, 'pair')
  mkdirSync(pair, { recursive: true })
  for (const name of fitsOf(reduced).slice(0, 2)) {
    if (!existsSync(join(pair, name))) symlinkSync(join(reduced, name), join(pair, name))
  }
  const small = join(data, 'half-wcs')
  if (existsSync(join(small, 'raw', 'simulate.csv'))) return
  const config = join(root, 'configs/bench/night.ini')
  const half = String(Math.round(size / 2))
  const none = ['bias.count=0', 'dark.count=0', 'flat.count=0']
  // a plate solution, or there is nothing to resample by
  const few = [...none, 'field.frames=2', 'field.stars=1500', 'files.wcs=exact']
  run([
    ...[
      bin('simulate'),
      'imaging',
      '-c',
      config,
      '-r',
      join(small, 'raw'),
      '--width',
      half,
      '--height',
      half,
      '--quiet',
    ],
    ...few.flatMap((one) => ['--set', one]),
  ])
  mkdirSync(join(small, 'other'), { recursive: true })
  mkdirSync(join(small, 'frames'), { recursive: true })
  const objects = fitsOf(join(small, 'raw')).filter((name) => name.startsWith('object'))
  for (const [k, folder] of ['other', 'frames'].entries()) {
    const link = join(small, folder, 'frame.fits')
    if (!existsSync(link)) symlinkSync(join(small, 'raw', objects[k]), link)
  }
}

function siril(data, id, frames, lines) {
  const folder = join(data, 'siril', `register-${id}`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const script = join(folder, 'run.ssf')
  const start = ['requires 1.0.0', 'set32bits', 'setext fits', `cd ${frames}`, `link f -out=${folder}`, `cd ${folder}`]
  writeFileSync(script, [...start, ...lines, ''].join('\n'))
  return ['siril-cli', '-s', script]
}

function swarp(data, id, frames, settings) {
  const folder = join(data, 'swarp', id)
  mkdirSync(folder, { recursive: true })
  const all = {
    SUBTRACT_BACK: 'N',
    RESAMPLING_TYPE: 'LANCZOS3',
    WRITE_XML: 'N',
    NTHREADS: '2',
    RESAMPLE_DIR: folder,
    ...settings,
  }
  const names = { IMAGEOUT_NAME: join(folder, 'coadd.fits'), WEIGHTOUT_NAME: join(folder, 'coadd.weight.fits') }
  return ['SWarp', ...frames, ...Object.entries({ ...all, ...names }).flatMap(([key, value]) => [`-${key}`, value])]
}

const setting = (...all) => all.flatMap((one) => ['--set', one])

export function works({ data, bin, python, root }) {
  const out = (name) => join(data, 'out', name)
  const [pair, ten, half] = [join(data, 'pair'), join(data, 'reduced'), join(data, 'half-wcs')]
  const files = (folder) => (existsSync(folder) ? fitsOf(folder).map((name) => join(folder, name)) : [])
  const align = (frames, output, ...more) => [bin('alignment'), '-s', frames, '-r', output, '--quiet', ...more]
  const plain = setting('product.error=no', 'product.mask=no', 'product.coverage=no')
  const both = (name, ...more) => {
    const quoted = (argv) => argv.map((word) => `'${word}'`).join(' ')
    const stack = [bin('stacking'), '-s', '-', '-r', out(`${name}-deep`), '--quiet', ...plain, ...more]
    return ['sh', '-c', `${quoted(align(ten, out(`${name}-ali`)))} | ${quoted(stack)}`]
  }
  const sirilOn = (id, frames, ...lines) => ({
    name: 'siril',
    needs: ['siril-cli'],
    argv: siril(data, id, frames, lines),
  })
  return [
    {
      id: 'register-one',
      title: 'match and resample one frame on another, Lanczos3',
      ours: { argv: align(pair, out('pair'), ...setting('reference.choose=first')), output: [out('pair')] },
      peers: [
        { ...sirilOn('pair', pair, 'register f -interp=lanczos4'), target: '0.35' },
        {
          name: 'astroalign',
          needs: [python],
          check: [python, '-c', 'import astroalign'],
          argv: [python, join(root, 'scripts/peers/astroalign_register.py'), out('astroalign.fits'), ...files(pair)],
        },
      ],
    },
    {
      id: 'register-ten',
      title: 'register 10 frames',
      ours: { argv: align(ten, out('ten')), output: [out('ten')] },
      peers: [{ ...sirilOn('ten', ten, 'register f -interp=lanczos4'), target: '0.4' }],
    },
    {
      id: 'register-stack-ten',
      title: 'register and stack 10, clipped',
      ours: { argv: both('clip'), output: [out('clip-ali'), out('clip-deep')] },
      peers: [
        {
          ...sirilOn('stack', ten, 'register f -interp=lanczos4', 'stack r_f rej s 3 3 -norm=addscale -out=stack'),
          target: '0.35',
        },
        {
          name: 'SWarp, 2 threads, WCS given',
          needs: ['SWarp'],
          argv: swarp(data, 'clip', files(ten), { COMBINE_TYPE: 'CLIPPED' }),
          target: '0.3',
        },
      ],
    },
    {
      id: 'register-median-ten',
      title: 'register and stack 10, median',
      ours: {
        argv: both('median', ...setting('combine.method=median')),
        output: [out('median-ali'), out('median-deep')],
      },
      peers: [
        {
          name: 'SWarp, 2 threads, WCS given',
          needs: ['SWarp'],
          argv: swarp(data, 'median', files(ten), { COMBINE_TYPE: 'MEDIAN' }),
          target: '0.3',
        },
      ],
    },
    {
      id: 'resample-half',
      title: 'resample one frame of a quarter of the pixels by its WCS, Lanczos3',
      ours: {
        argv: align(
          join(half, 'frames'),
          out('half'),
          ...setting(`reference.file=${join(half, 'other', 'frame.fits')}`, 'match.method=wcs'),
        ),
        output: [out('half')],
      },
      peers: [
        {
          name: 'SWarp, 2 threads',
          needs: ['SWarp'],
          argv: swarp(data, 'half', files(join(half, 'frames')), { COMBINE: 'N' }),
          target: '0.5',
        },
      ],
    },
  ]
}

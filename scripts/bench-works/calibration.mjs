// What scripts/bench measures: for each work our command line and those of the peers, all from raw frames on disk to
// products on disk. Peers get the same frames, and masters made by us where a master is an input.
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** A siril script as a command line; frames are linked into the working folder under the names that siril wants. */
function siril(data, id, lines) {
  const folder = join(data, 'siril', id)
  mkdirSync(folder, { recursive: true })
  const script = join(folder, 'run.ssf')
  writeFileSync(script, ['requires 1.0.0', 'set32bits', 'setext fits', ...lines(folder), ''].join('\n'))
  return ['siril-cli', '-s', script]
}

/** Frames of one kind in a folder of their own, as links, so that every program is given just these. */
function links(data, kind, pattern) {
  const folder = join(data, kind)
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(join(data, 'raw')).filter((file) => pattern.test(file))) {
    if (!existsSync(join(folder, name))) symlinkSync(join(data, 'raw', name), join(folder, name))
  }
  return folder
}

const filesOf = (folder) =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((f) => f.endsWith('.fits'))
        .sort()
        .map((f) => join(folder, f))
    : []

/** A simulated night in folders, one for each kind of frame, and one for a single science frame. */
function makeNight({ root, data, size, bin, run }) {
  if (!existsSync(join(data, 'raw', 'simulate.csv'))) {
    const config = join(root, 'configs/bench/night.ini')
    const sizes = ['--width', String(size), '--height', String(size)]
    run([bin('simulate'), 'imaging', '-c', config, '-r', join(data, 'raw'), ...sizes, '--quiet'])
  }
  for (const kind of ['bias', 'dark', 'flat', 'object']) links(data, kind, new RegExp(`^${kind}`))
  const one = join(data, 'one')
  mkdirSync(one, { recursive: true })
  const [first] = filesOf(join(data, 'object'))
  if (!existsSync(join(one, 'object.fits'))) symlinkSync(first, join(one, 'object.fits'))
  if (existsSync(join(data, 'bank', 'calibrations.csv'))) return
  const kinds = ['bias', 'dark', 'flat'].map((kind) => join(data, kind))
  run([bin('stack-calibrations'), '-s', ...kinds, '-r', join(data, 'bank'), '--quiet'])
}

/** Pixels of the frame that a small command works on. */
const SMALL = 512
const EXPOSURE = 60

/** The nights and masters that the works need; called once before the first work. */
export async function prepare(bench) {
  makeNight(bench)
  const small = join(bench.data, 'small')
  mkdirSync(small, { recursive: true })
  makeNight({ ...bench, data: small, size: SMALL })
  // siril subtracts a dark as it is from a single image
  const scaled = join(bench.data, 'dark-of-frame.fits')
  if (existsSync(scaled)) return
  const { imageHdu, openFits, readPixels, writeFits } = await import(
    pathToFileURL(join(bench.root, 'packages/libs/fits/dist/src/index.js')).href
  )
  const dark = imageHdu(openFits(filesOf(join(bench.data, 'bank')).find((path) => path.includes('/dark_'))))
  const pixels = readPixels(dark).map((v) => EXPOSURE * v)
  writeFits(scaled, [{ kind: 'image', bitpix: -32, axes: dark.axes, pixels }])
}

export function works({ root, data, bin, python }) {
  const out = (name) => join(data, 'out', name)
  const peers = join(root, 'scripts/peers')
  const list = (kind) => filesOf(join(data, kind))
  const master = (type) => list('bank').find((path) => path.includes(`/${type}_`)) ?? ''
  const stack = (kind, output, ...more) => ({
    argv: [bin('stack-calibrations'), '-s', join(data, kind), '-r', output, '--quiet', ...more],
    output: [output],
  })
  const numpy = (mode, kind, bias) => ({
    name: 'numpy by hand, 2 threads',
    needs: [python],
    check: [python, '-c', 'import numpy'],
    argv: [python, join(peers, 'numpy_master.py'), mode, join(data, 'out', `numpy-${mode}.fits`), bias, ...list(kind)],
  })
  const ccdproc = (mode, kind) => ({
    name: 'ccdproc',
    needs: [python],
    check: [python, '-c', 'import ccdproc'],
    argv: [python, join(peers, 'ccdproc_master.py'), mode, join(data, 'out', `ccdproc-${mode}.fits`), ...list(kind)],
  })
  const sirilStack = (id, kind, command) => ({
    name: 'siril',
    needs: ['siril-cli'],
    argv: siril(data, id, (folder) => [`cd ${join(data, kind)}`, `link f -out=${folder}`, `cd ${folder}`, command]),
  })
  const PLAIN = ['--set', 'cosmic rays.method=none', '--set', 'frame.error=no', '--set', 'frame.mask=no']
  const numpyReduce = (kind) => ({
    name: 'numpy by hand, 2 threads',
    needs: [python],
    check: [python, '-c', 'import numpy'],
    argv: [
      ...[python, join(peers, 'numpy_reduce.py'), master('bias'), master('dark'), master('flat'), String(EXPOSURE)],
      ...[join(data, 'out'), ...list(kind)],
    ],
  })
  const ccdprocReduce = (folder, bank) => {
    const of = (type) => filesOf(bank).find((path) => path.includes(`/${type}_`)) ?? ''
    const figures = [of('bias'), of('dark'), of('flat'), '1.6', '4.5', join(data, 'out')]
    return {
      name: 'ccdproc with uncertainty',
      needs: [python],
      check: [python, '-c', 'import ccdproc'],
      argv: [python, join(peers, 'ccdproc_reduce.py'), ...figures, ...filesOf(folder)],
    }
  }
  const masters = () => `-bias=${master('bias')} -dark=${master('dark')} -flat=${master('flat')}`
  const reduce = (kind, output, ...more) => ({
    argv: [
      bin('reduction'),
      '-s',
      join(data, kind),
      '-r',
      output,
      '--quiet',
      '--set',
      `calibration.folder=${join(data, 'bank')}`,
      ...more,
    ],
    output: [output],
  })
  return [
    {
      id: 'master-bias-median',
      title: 'master bias, median of 10',
      ours: stack('bias', out('bias'), '--set', 'combine.method=median'),
      peers: [
        { ...sirilStack('median', 'bias', 'stack f med -nonorm -out=master'), target: '0.35' },
        { ...numpy('median', 'bias', '-'), target: '1' },
        ccdproc('median', 'bias'),
      ],
    },
    {
      id: 'master-bias-clip',
      title: 'master bias, clipped mean of 10',
      ours: stack('bias', out('bias')),
      peers: [
        { ...sirilStack('clip', 'bias', 'stack f rej s 3 3 -nonorm -out=master'), target: '0.4' },
        numpy('clip', 'bias', '-'),
        ccdproc('clip', 'bias'),
      ],
    },
    {
      id: 'master-flat',
      title: 'master flat of 10 (bias, normalise, clip)',
      ours: stack('flat', out('flat'), '--set', `calibration.folder=${join(data, 'bank')}`),
      peers: [
        {
          ...sirilStack(
            'flat',
            'flat',
            `preprocess f -bias=${master('bias')}\nstack pp_f rej s 3 3 -norm=mul -out=master`,
          ),
          target: '0.15',
        },
        { ...numpy('flat', 'flat', master('bias')), target: '1' },
      ],
    },
    {
      id: 'reduce-plain-one',
      title: 'reduce one frame, no error and mask planes',
      ours: reduce('one', out('plain'), ...PLAIN),
      peers: [
        // siril 1.0 calibrates sequences of two frames and more: for one, its arithmetic of images.
        {
          name: 'siril, by image arithmetic',
          needs: ['siril-cli'],
          check: ['test', '-f', join(data, 'dark-of-frame.fits')],
          argv: siril(data, 'one', (folder) => [
            ...[`load ${list('one')[0]}`, `isub ${master('bias')}`, `isub ${join(data, 'dark-of-frame.fits')}`],
            ...[`fdiv ${master('flat')} 1`, `save ${join(folder, 'reduced')}`],
          ]),
          target: '0.8',
        },
        {
          name: 'gnuastro, 2 threads',
          needs: ['astarithmetic'],
          argv: [
            ...['astarithmetic', list('one')[0] ?? '', master('bias'), '-', master('dark'), String(EXPOSURE), 'x', '-'],
            ...[master('flat'), '/', 'float32', '-g', '0', '--numthreads=2'],
            `--output=${join(data, 'out', 'gnuastro.fits')}`,
          ],
        },
        numpyReduce('one'),
      ],
    },
    {
      id: 'reduce-one',
      title: 'reduce one frame, error and mask planes written',
      ours: reduce('one', out('one'), '--set', 'cosmic rays.method=none'),
      peers: [{ ...ccdprocReduce(join(data, 'one'), join(data, 'bank')), target: '0.4' }],
    },
    {
      id: 'reduce-plain-ten',
      title: 'reduce 10 frames, no error and mask planes',
      ours: reduce('object', out('plain-ten'), ...PLAIN),
      peers: [
        {
          name: 'siril',
          needs: ['siril-cli'],
          argv: siril(data, 'ten', (folder) => [
            ...[`cd ${join(data, 'object')}`, `link f -out=${folder}`, `cd ${folder}`, `preprocess f ${masters()}`],
          ]),
          target: '0.7',
        },
        numpyReduce('object'),
      ],
    },
    {
      id: 'reduce-ten',
      title: 'reduce 10 frames, error and mask planes written',
      ours: reduce('object', out('ten'), '--set', 'cosmic rays.method=none'),
      peers: [ccdprocReduce(join(data, 'object'), join(data, 'bank'))],
    },
    {
      id: 'small',
      title: 'reduce one frame of 512x512, error and mask planes written',
      ours: {
        argv: [
          ...[bin('reduction'), '-s', join(data, 'small/one'), '-r', out('small'), '--quiet'],
          ...['--set', `calibration.folder=${join(data, 'small/bank')}`],
        ],
        output: [out('small')],
        target: '0.3 s',
      },
      peers: [
        ccdprocReduce(join(data, 'small/one'), join(data, 'small/bank')),
        {
          name: 'python3 with astropy starts',
          needs: [python],
          check: [python, '-c', 'import astropy'],
          argv: [python, '-c', 'import astropy.io.fits'],
        },
      ],
    },
    {
      id: 'cosmic-rays',
      title: 'reduce one frame with cosmic rays (ours), cosmic rays alone (peer)',
      ours: reduce('one', out('cosmic')),
      peers: [
        {
          name: 'astroscrappy, 4 iterations',
          needs: [python],
          check: [python, '-c', 'import astroscrappy'],
          argv: [
            python,
            join(peers, 'astroscrappy_clean.py'),
            '1.6',
            '4.5',
            '60000',
            '4',
            list('one')[0] ?? '',
            join(data, 'out', 'scrappy.fits'),
          ],
          target: '0.25',
        },
      ],
    },
    {
      id: 'start-up',
      title: 'reduction --help',
      ours: { argv: [bin('reduction'), '--help'] },
      peers: [
        {
          name: 'python3 with astropy',
          needs: [python],
          check: [python, '-c', 'import astropy'],
          argv: [python, '-c', 'import astropy.io.fits'],
        },
        { name: 'siril-cli --version', needs: ['siril-cli'], argv: ['siril-cli', '--version'] },
      ],
    },
  ]
}

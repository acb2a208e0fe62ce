// What scripts/bench measures: for each work our command line and those of the peers, all from raw frames on disk to
// products on disk. Peers get the same frames, and masters made by us where a master is an input.
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

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

/** Simulates the night and makes the masters that the works need; called once before the first work. */
export function prepare({ root, data, size, bin, run }) {
  if (!existsSync(join(data, 'raw', 'simulate.csv'))) {
    const config = join(root, 'configs/bench/night.ini')
    run([
      bin('simulate'),
      'imaging',
      '-c',
      config,
      '-r',
      join(data, 'raw'),
      '--width',
      String(size),
      '--height',
      String(size),
      '--quiet',
    ])
  }
  for (const [kind, pattern] of [
    ['bias', /^bias/],
    ['dark', /^dark/],
    ['flat', /^flat/],
    ['object', /^object/],
  ])
    links(data, kind, pattern)
  const one = join(data, 'one')
  mkdirSync(one, { recursive: true })
  const [first] = filesOf(join(data, 'object'))
  if (!existsSync(join(one, 'object.fits'))) symlinkSync(first, join(one, 'object.fits'))
  if (!existsSync(join(data, 'bank', 'calibrations.csv'))) {
    run([
      bin('stack-calibrations'),
      '-s',
      join(data, 'bias'),
      join(data, 'dark'),
      join(data, 'flat'),
      '-r',
      join(data, 'bank'),
      '--quiet',
    ])
  }
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
      id: 'reduce-one',
      title: 'reduce one frame, error and mask planes written',
      ours: reduce('one', out('one'), '--set', 'cosmic rays.method=none'),
      peers: [
        // siril 1.0 calibrates sequences of two frames and more: it is measured on ten.
        {
          name: 'ccdproc with uncertainty',
          needs: [python],
          check: [python, '-c', 'import ccdproc'],
          argv: [
            python,
            join(peers, 'ccdproc_reduce.py'),
            master('bias'),
            master('dark'),
            master('flat'),
            '1.6',
            '4.5',
            join(data, 'out'),
            ...list('one'),
          ],
          target: '0.4',
        },
      ],
    },
    {
      id: 'reduce-ten',
      title: 'reduce 10 frames, error and mask planes written',
      ours: reduce('object', out('ten'), '--set', 'cosmic rays.method=none'),
      peers: [
        {
          name: 'siril (no error plane)',
          needs: ['siril-cli'],
          argv: siril(data, 'ten', (folder) => [
            `cd ${join(data, 'object')}`,
            `link f -out=${folder}`,
            `cd ${folder}`,
            `preprocess f ${masters()}`,
          ]),
          target: '0.7',
        },
        {
          name: 'ccdproc with uncertainty',
          needs: [python],
          check: [python, '-c', 'import ccdproc'],
          argv: [
            python,
            join(peers, 'ccdproc_reduce.py'),
            master('bias'),
            master('dark'),
            master('flat'),
            '1.6',
            '4.5',
            join(data, 'out'),
            ...list('object'),
          ],
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

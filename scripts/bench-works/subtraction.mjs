// Difference images: frames read, registered, subtracted, scored and vetted by us; the peers do the subtraction alone.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { writeFits } from '../../packages/libs/fits/dist/src/index.js'
import { writePair } from '../truth/star-pairs.mjs'

const FWHM = [4, 3]

/** A pair of frames, free of sky too and with their point spreads for the peers that want them so. */
export function prepare({ data, size }) {
  const folder = join(data, 'transient')
  if (existsSync(join(folder, 'psf-reference.fits'))) return
  writePair(folder, { seed: 1, size, fwhm: FWHM, flux: 840 })
  for (const [k, name] of ['new', 'reference'].entries()) {
    const side = 25
    const pixels = moffat(side, FWHM[k])
    writeFits(join(folder, `psf-${name}.fits`), [{ kind: 'image', bitpix: -32, axes: [side, side], pixels }])
  }
}

function moffat(side, fwhm) {
  const alpha = fwhm / 2 / Math.sqrt(2 ** (1 / 3.5) - 1)
  const half = (side - 1) / 2
  const values = Float32Array.from({ length: side * side }, (_, p) => {
    const [u, v] = [(p % side) - half, Math.floor(p / side) - half]
    return (1 + (u * u + v * v) / (alpha * alpha)) ** -3.5
  })
  const total = values.reduce((a, b) => a + b)
  return values.map((value) => value / total)
}

export function works({ root, data, bin, python }) {
  const pair = (name) => join(data, 'transient', `${name}.fits`)
  const out = (name) => join(data, 'out', name)
  const ours = (name, ...more) => ({
    argv: [
      bin('subtraction'),
      '-s',
      pair('new'),
      '-r',
      out(name),
      '--quiet',
      '--set',
      `reference.file=${pair('reference')}`,
      ...more,
    ],
    output: [out(name)],
  })
  const numpy = {
    name: 'numpy: the two transforms and the score alone, point spreads given',
    needs: [python],
    check: [python, '-c', 'import numpy, astropy.io.fits'],
    argv: [
      ...[python, join(root, 'scripts/peers/zogy.py'), pair('new'), pair('reference')],
      ...[pair('psf-new'), pair('psf-reference'), '0.8', '1', '12.5', '8.1', join(data, 'out/zogy.fits')],
    ],
    target: '2',
  }
  const hotpants = {
    name: 'hotpants: the difference alone',
    needs: ['hotpants'],
    argv: [
      'hotpants',
      '-inim',
      pair('new'),
      '-tmplim',
      pair('reference'),
      '-outim',
      join(data, 'out/hotpants.fits'),
      '-ko',
      '2',
    ],
    target: '0.5',
  }
  return [
    {
      id: 'subtraction-alard',
      title: 'a pair registered, subtracted by a matching kernel, scored, candidates vetted',
      ours: ours('alard'),
      peers: [numpy, hotpants],
    },
    {
      id: 'subtraction-zogy',
      title: 'the same by proper subtraction',
      ours: ours('zogy', '--set', 'subtraction.method=zogy'),
      peers: [numpy],
    },
  ]
}

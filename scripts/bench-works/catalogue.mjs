// Catalogues: a million stars imported from CSV, and a circle searched in them, beside astropy.
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const STARS = 1_000_000

/** A million stars all over the sky, always the same, as an archive would deliver them. */
function writeStars(path) {
  let state = 7
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 4294967296
  }
  const lines = ['source_id,ra,dec,pmra,pmdec,phot_g_mean_mag,phot_bp_mean_mag,phot_rp_mean_mag']
  for (let k = 0; k < STARS; k++) {
    const dec = (Math.asin(2 * uniform() - 1) * 180) / Math.PI
    const g = 6 + 12 * Math.sqrt(uniform())
    const motion = () => (20 * uniform() - 10).toFixed(3)
    const magnitudes = [g, g + 0.4, g - 0.5].map((value) => value.toFixed(4))
    lines.push([k + 1, (360 * uniform()).toFixed(9), dec.toFixed(9), motion(), motion(), ...magnitudes].join(','))
  }
  writeFileSync(`${path}.part`, `${lines.join('\n')}\n`)
  renameSync(`${path}.part`, path)
}

const PYTHON = '/usr/bin/python3'

export function prepare({ root, data, bin, run }) {
  mkdirSync(join(data, 'catalogue'), { recursive: true })
  const csv = join(data, 'catalogue/million.csv')
  if (!existsSync(csv)) writeStars(csv)
  const tiles = join(data, 'catalogue/tiles')
  if (!existsSync(join(tiles, 'catalogue.json'))) {
    run([bin('catalogue'), 'import', '--input', csv, '--output', tiles, '--quiet'])
  }
  const fits = join(data, 'catalogue/million.fits')
  if (existsSync(PYTHON) && !existsSync(fits)) {
    try {
      run([PYTHON, join(root, 'scripts/peers/astropy_convert.py'), csv, fits])
    } catch {
      // without astropy the peer is skipped by name
    }
  }
}

export function works({ root, data, bin, python }) {
  const csv = join(data, 'catalogue/million.csv')
  const peers = join(root, 'scripts/peers')
  const astropy = { name: 'astropy', needs: [python], check: [python, '-c', 'import astropy'] }
  return [
    {
      id: 'catalogue-import',
      title: 'a million stars from CSV',
      ours: {
        argv: [bin('catalogue'), 'import', '--input', csv, '--output', join(data, 'out/catalogue'), '--quiet'],
        output: [join(data, 'out/catalogue')],
      },
      peers: [
        {
          ...astropy,
          name: 'astropy, CSV to FITS',
          argv: [python, join(peers, 'astropy_convert.py'), csv, join(data, 'out/million.fits')],
        },
      ],
    },
    {
      id: 'catalogue-cone',
      title: 'a circle of 1 degree in a million stars',
      ours: {
        argv: [
          ...[bin('catalogue'), 'cone', '--catalogue', join(data, 'catalogue/tiles')],
          ...['--ra', '10', '--dec', '20', '--radius', '1', '--quiet'],
        ],
      },
      peers: [
        {
          ...astropy,
          argv: [python, join(peers, 'astropy_cone.py'), join(data, 'catalogue/million.fits'), '10', '20', '1'],
        },
      ],
    },
  ]
}

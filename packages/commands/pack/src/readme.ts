import { type Header, numberOf, textOf } from '@nightpipe/fits'
import type { BundleJob } from './plan.js'

const FACTS: readonly [string, string][] = [
  ['DATE-OBS', 'start of the exposure (UTC)'],
  ['EXPTIME', 'exposure time (s)'],
  ['SITEID', 'site'],
  ['TELESCOP', 'spectrograph'],
  ['INSTRUME', 'camera'],
  ['OBJECTS', 'what each fibre sees'],
  ['PROPID', 'proposal'],
  ['SNR', 'signal to noise'],
  ['RV', 'barycentric radial velocity'],
  ['RVERR', 'one sigma of it, that of the template apart'],
  ['RVTOTERR', 'one sigma of it, that of the template included'],
  ['BARYCORR', 'barycentric correction'],
  ['TCORR', 'flux-weighted middle of the exposure (BJD_TDB)'],
]

/** The page that goes with a bundle. */
export function readmeText(
  { name, target }: BundleJob,
  header: Header,
  files: readonly string[],
  hdus: readonly string[],
): string {
  const facts = FACTS.flatMap(([keyword, doc]) => {
    const value = textOf(header, keyword) ?? numberOf(header, keyword)
    const unit = header.cards.find((card) => card.keyword === keyword)?.comment ?? ''
    return value === undefined ? [] : [`  ${keyword.padEnd(9)} ${String(value).padEnd(26)} ${unit || doc}`]
  })
  const about: Record<string, string> = {
    [`${name}.fits.fz`]:
      'the spectra in the layout of the e91 files of NRES, tile-compressed (funpack, astropy, DS9 read it)',
    [`${name}-1d.fits`]:
      'the same and more: table SPECTRUM, a row for each order and fibre, with errors, masks, wavelengths',
    [`${name}.pdf`]: 'figures',
    [`${name}.txt`]: 'the header',
  }
  return [
    `${name}${target ? `: ${target}` : ''}`,
    '',
    ...facts,
    '',
    'Files',
    ...files.map((file) => `  ${file.padEnd(name.length + 9)} ${about[file] ?? ''}`),
    '',
    `HDUs of ${name}.fits.fz, behind its header`,
    ...hdus.map((text) => `  ${text}`),
    '',
    'Images have a column for each column of the detector and a row for each order, the lowest on the detector first; 0 is no value.',
    'Wavelengths are vacuum, nm in the images and Angstrom in the table, as the spectrograph saw them: its drift is taken out, the',
    'motion of the Earth is in them (BARYCORR, c z). RV has it taken out.',
    '',
  ].join('\n')
}

/** The cards of a header, one a line. */
export const headerText = (header: Header): string =>
  header.cards
    .map(({ keyword, value, comment }) => {
      const shown =
        typeof value === 'string'
          ? `'${value}'`
          : value === true
            ? 'T'
            : value === false
              ? 'F'
              : value === undefined
                ? ''
                : String(value)
      return `${keyword.padEnd(8)}${shown === '' ? ' ' : ' = '}${shown}${comment ? ` / ${comment}` : ''}\n`
    })
    .join('')

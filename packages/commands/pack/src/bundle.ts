import { mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Job, type Row, type Tools, writeProduct } from '@nightpipe/command'
import { writeAtomically } from '@nightpipe/files'
import { column, openFits, readTable } from '@nightpipe/fits'
import { figuresPdf } from '@nightpipe/plot'
import { readSpectra } from '@nightpipe/spectrographs'
import { type Correlation, figuresOf } from './figures.js'
import { e91Hdus } from './mef.js'
import type { BundleJob } from './plan.js'
import { headerText, readmeText } from './readme.js'
import type { PackSchema } from './schema.js'
import { type TarEntry, tarGz } from './tar.js'

const MJD_OF_1970 = 40587

/** Reads a -1d file, writes its bundle. */
export function makeBundle(
  { inputs, products, parents, params }: Job<BundleJob>,
  { config, context }: Tools<PackSchema>,
): Row[] {
  const [input, [bundle, fits, pdf]] = [inputs[0]!, products as [string, string, string?]]
  const { name } = params
  const spectra = readSpectra(input)
  const hdus = e91Hdus(spectra, params, config.bundle['quantize level'])
  mkdirSync(dirname(fits), { recursive: true })
  writeProduct(fits, hdus, context, parents)
  const figures = pdf === undefined ? [] : figuresOf(spectra, params, correlationIn(input))
  if (pdf !== undefined) writeAtomically(pdf, figuresPdf(figures))
  const files: [string, Uint8Array][] = [
    [`${name}.fits.fz`, readFileSync(fits)],
    ...(pdf === undefined ? [] : [[`${name}.pdf`, readFileSync(pdf)] as [string, Uint8Array]]),
    [`${name}-1d.fits`, readFileSync(input)],
    [`${name}.txt`, Buffer.from(headerText(spectra.header))],
  ]
  const readme = readmeText(
    params,
    spectra.header,
    files.map(([file]) => file),
    hdus.slice(1).map(describeHdu),
  )
  const entries = [['README.txt', Buffer.from(readme)] as [string, Uint8Array], ...files].map(
    ([file, bytes]): TarEntry => ({ name: `${name}/${file}`, bytes }),
  )
  const packed = tarGz(entries, ((params.mjd ?? MJD_OF_1970) - MJD_OF_1970) * 86400)
  writeAtomically(bundle, packed)
  const measurements = { hdus: hdus.length, pages: figures.length, bytes: packed.length }
  return [{ input, status: 'done', product: bundle, measurements }]
}

/** The first row of the table CCF, where rv has made it. */
function correlationIn(path: string): Correlation | undefined {
  const file = openFits(path)
  try {
    const hdu = file.hdus.find(({ name, kind }) => name === 'CCF' && kind === 'table')
    if (!hdu) return undefined
    const table = readTable(hdu)
    const [v, xcor] = ['v', 'xcor'].map((name) => column(table, name))
    if (!v || !xcor || table.rows === 0) return undefined
    const first = (one: typeof v) => Array.from(one.values as ArrayLike<number>).slice(0, one.repeat)
    return { velocities: first(v), values: first(xcor) }
  } finally {
    file.close()
  }
}

const ABOUT: Record<string, string> = {
  SPECRAW: 'the star, extracted',
  SPECFLAT: 'the same over the flat',
  SPECBLAZE: 'the same less the flat, scaled',
  THARRAW: 'the lamp, extracted',
  THARFLAT: 'the same over the flat',
  WAVESPEC: 'wavelengths of the star, nm',
  WAVETHAR: 'wavelengths of the lamp, nm',
  SPECXCOR: 'correlation with the template',
  RVBLOCKFIT: 'velocities of the blocks of the orders',
}

const describeHdu = (hdu: ReturnType<typeof e91Hdus>[number]) =>
  `${(hdu.name ?? '').padEnd(12)} ${ABOUT[(hdu.name ?? '').replace(/\d$/, '')] ?? ''}`

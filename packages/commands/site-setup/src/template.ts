import { copyFileSync, existsSync } from 'node:fs'
import { basename } from 'node:path'
import { call, processFrames, type RawFrame } from '@nightpipe/chain'
import { ConfigError, DataError } from '@nightpipe/command'
import { numberOf, openFits, textOf } from '@nightpipe/fits'
import { formatMjd, mjdToJd } from '@nightpipe/sky'
import { addZero, inTree, judgeZeros, parseProductName, readZeros, targetKey } from '@nightpipe/spectrographs'
import type { Setup } from './steps.js'

const MARGIN = 60 / 86400

/** A velocity template: one from elsewhere, or made of the spectra of a standard star, and approved. */
export async function makeTemplate(setup: Setup): Promise<string> {
  const { chain, zero } = setup
  if (zero) return await importTemplate(setup, zero)
  const star = standardOf(setup)
  const { mjds, reason } = await standardSpectra(setup, star)
  if (mjds.length < setup.templateFrames) {
    const why = reason ? ` (${reason})` : ''
    throw new DataError(
      `${mjds.length} spectra of ${star}, ${setup.templateFrames} are needed for a template${why}`,
      'observe a standard star more often, give --standard NAME, or bring a template from elsewhere by --zero FILE',
    )
  }
  const iso = (mjd: number) => formatMjd(mjd, 0)
  const { code, message } = await call(chain, 'stack-calibrations', [
    ...['--calibration-type', 'TEMPLATE', '--target', star],
    ...['--start', iso(Math.min(...mjds) - MARGIN), '--end', iso(Math.max(...mjds) + MARGIN)],
  ])
  const made = readZeros(chain.tree).filter((row) => targetKey(row.Target ?? '') === targetKey(star))
  if (code !== 0 || made.length === 0)
    throw new DataError(message ?? 'stack-calibrations made no template', 'see its report')
  await call(chain, 'zeros', ['approve', '--target', star])
  return `of ${mjds.length} spectra of ${star}, approved`
}

/** The spectra of the standard as far as they go without a template: with wavelengths. */
async function standardSpectra({ chain, exposures, frames, rules }: Setup, star: string) {
  const ours = frames.filter((frame) => starsOf(frame).includes(targetKey(star)))
  const { worked, kept } = await processFrames(chain, exposures, ours, { ...rules, upTo: 'wavelength' })
  const good = [...worked, ...kept].filter(({ status }) => status === 'done')
  const bad = [...worked, ...kept].find(({ status }) => status !== 'done')
  return { mjds: good.map(({ mjd }) => mjd ?? 0), reason: bad?.reason }
}

const starsOf = ({ target = '' }: RawFrame) => target.split('&').filter(Boolean).map(targetKey)

/** The star that was named, or that of most exposures. */
function standardOf({ frames, standard }: Setup): string {
  if (standard) return targetKey(standard)
  const counts = new Map<string, number>()
  for (const frame of frames) for (const star of starsOf(frame)) counts.set(star, (counts.get(star) ?? 0) + 1)
  const [best] = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
  if (!best) throw new DataError('there are no exposures of stars', 'observe a standard star, or give --zero FILE')
  return best[0]
}

async function importTemplate({ chain: { tree, tell } }: Setup, path: string): Promise<string> {
  if (!existsSync(path)) throw new ConfigError(`--zero ${path}: no such file`, 'check the path')
  const target = inTree(tree, 'zero', basename(path))
  tell(`cp ${path} ${target}`)
  copyFileSync(path, target)
  const file = openFits(target)
  try {
    const { header } = file.hdus[0]!
    const magnitude = (name: string) => numberOf(header, name) ?? Number.NaN
    const real = (value: number) => (Number.isFinite(value) ? value : undefined)
    await addZero(tree, {
      ...{ path: target, averaged: numberOf(header, 'NAVG') ?? 1, camera: textOf(header, 'INSTRUME') ?? tree.camera },
      ...{ jd: mjdToJd(parseProductName(path)?.mjd ?? 0), target: textOf(header, 'OBJECT') ?? 'UNKNOWN', fibre: 0 },
      ...{ teff: numberOf(header, 'TEFF'), logg: numberOf(header, 'LOGG') },
      ...{ bv: real(magnitude('BMAG') - magnitude('VMAG')), jk: real(magnitude('JMAG') - magnitude('KMAG')) },
    })
  } finally {
    file.close()
  }
  await judgeZeros(tree, [`zero/${basename(path)}`], 'approve')
  return `${basename(path)} from elsewhere, approved`
}

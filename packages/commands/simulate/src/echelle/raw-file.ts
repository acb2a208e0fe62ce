import type { InstrumentProfile } from '@nightpipe/config'
import { type Compression, createHeader, type NewHdu, type NewTable, writeFits } from '@nightpipe/fits'
import { formatSexagesimal } from '@nightpipe/sky'
import { meterCounts, type Series } from './conditions.js'
import type { Exposed } from './detector.js'
import { type Exposure, starOf } from './night.js'
import { nresCards, plainCards } from './raw-header.js'
import { type Settings, starNameOf } from './schema.js'

/** Writes the frame as the camera would, with nothing of ours in it. */
export function writeRaw(
  path: string,
  settings: Settings,
  profile: InstrumentProfile,
  frame: Exposure,
  exposed: Exposed,
  series: Series | undefined,
  compress: Compression | undefined,
): void {
  const nres = settings.files.container === 'nres'
  const image: NewHdu = {
    kind: 'image',
    ...(nres ? { name: 'SPECTRUM' } : {}),
    header: createHeader(nres ? nresCards(settings, frame) : plainCards(settings, frame, profile)),
    bitpix: 16,
    unsigned: true,
    axes: [exposed.rawWidth, settings.detector.height],
    pixels: exposed.raw,
    ...(compress ? { compress: { type: compress.type } } : {}),
  }
  writeFits(path, nres ? [image, ...sideTables(settings, frame, series)] : [image])
}

/** What an NRES frame carries besides: exposure meter, guiders, telescopes. Those of calibrations are empty. */
function sideTables(settings: Settings, frame: Exposure, series: Series | undefined): NewHdu[] {
  return [
    exposureMeter(settings, frame, series),
    ...[1, 2].map((k) => guider(settings, frame, k)),
    ...[1, 2].map((k) => telescope(settings, frame, k)),
  ]
}

function exposureMeter(settings: Settings, frame: Exposure, series: Series | undefined): NewTable {
  const counts = series ? meterCounts(settings, frame, series) : []
  const rows = series?.start.length ?? 0
  const fibre = (k: number) => counts[k] ?? new Int32Array(rows)
  return {
    kind: 'table',
    name: 'EXPOSURE_METER',
    rows,
    columns: [
      { name: 'MJD_START', unit: 'd', values: series?.start ?? new Float64Array(0), comment: 'UTC' },
      { name: 'EXP_TIME', unit: 's', values: Float64Array.from(series?.seconds ?? []) },
      ...[0, 1, 2].map((k) => ({ name: `FIB${k}COUNTS`, values: fibre(k) })),
      { name: 'EMFLAGS', values: new Int32Array(rows) },
    ],
  }
}

/** The telescope (1 or 2) that feeds the fibre on either side of that of the lamp; undefined where it is idle. */
function starOfTelescope({ fibres }: Settings, frame: Exposure, telescope: number): string | undefined {
  const fibre = frame.light.indexOf('star')
  if (fibre < 0) return undefined
  return (fibre <= fibres.arc ? 1 : 2) === telescope ? frame.star : undefined
}

/** Guide images of a telescope: one for each half minute. */
function guider(settings: Settings, frame: Exposure, telescope: number): NewTable {
  const name = starOfTelescope(settings, frame, telescope)
  const star = name === undefined ? undefined : starOf(settings, name)
  const rows = star ? Math.max(1, Math.floor(frame.seconds / 30)) : 0
  const column = (of: (k: number) => number) => Float64Array.from({ length: rows }, (_, k) => of(k))
  const scale = 0.3 / 3600
  return {
    kind: 'table',
    name: `AGU_${telescope}`,
    header: createHeader([['FILTER', 'rp', 'of the guider']]),
    rows,
    columns: [
      {
        name: 'FILENAME',
        format: '48A',
        values: Array.from({ length: rows }, (_, k) => `${frame.name.slice(0, 24)}-${k + 1}-g00.fits`),
      },
      { name: 'MJD_START', unit: 'd', values: column((k) => frame.mjd + (30 * k) / 86400) },
      { name: 'N_SRCS', values: Int32Array.from({ length: rows }, () => 12) },
      { name: 'SKYVAL', unit: 'adu', values: column(() => 210) },
      { name: 'CRVAL1', unit: 'deg', values: column(() => star!.ra) },
      { name: 'CRVAL2', unit: 'deg', values: column(() => star!.dec) },
      { name: 'CD1_1', values: column(() => -scale) },
      { name: 'CD1_2', values: column(() => 0) },
      { name: 'CD2_1', values: column(() => 0) },
      { name: 'CD2_2', values: column(() => scale) },
    ],
  }
}

/** A telescope: where it stands, and what it looks at, in header cards. */
function telescope(settings: Settings, frame: Exposure, which: number): NewHdu {
  const name = starOfTelescope(settings, frame, which)
  const { site } = settings
  const star = name === undefined ? undefined : starOf(settings, name)
  return {
    kind: 'empty',
    name: `TELESCOPE_${which}`,
    header: createHeader([
      ['LONGITUD', site.longitude, '[deg] east'],
      ['LATITUDE', site.latitude, '[deg] north'],
      ['HEIGHT', site.height, '[m] above the sea'],
      ['OBJECT', name === undefined ? 'N/A' : starNameOf(name), 'target'],
      ['RA', star ? formatSexagesimal(star.ra, 'hours', 4) : 'N/A', '[h] right ascension'],
      ['DEC', star ? formatSexagesimal(star.dec, 'degrees', 3) : 'N/A', '[deg] declination'],
      ['RADESYS', 'ICRS', 'frame of the coordinates'],
      ...(star
        ? ([
            ['CAT-RA', formatSexagesimal(star.ra, 'hours', 4), '[h] of the catalogue'],
            ['CAT-DEC', formatSexagesimal(star.dec, 'degrees', 3), '[deg] of the catalogue'],
            ['CAT-EPOC', star.epoch, '[yr] epoch of the catalogue'],
            ['PM-RA', pmRa(star['motion ra'], star.dec), '[arcsec/yr] proper motion, without cos dec'],
            ['PM-DEC', star['motion dec'] / 1000, '[arcsec/yr] proper motion'],
            ['PARALLAX', star.parallax / 1000, '[arcsec] parallax'],
          ] as [string, string | number, string][])
        : []),
    ]),
  }
}

/** From mas/yr with cos dec to arcsec/yr without. */
const pmRa = (masCosDec: number, dec: number) => masCosDec / 1000 / Math.cos((dec * Math.PI) / 180)

import { basename } from 'node:path'
import { growCatalogue } from '@nightpipe/catalogues'
import { type Conducting, ConfigError, defineConductor, Exit } from '@nightpipe/command'
import { type ConfigOf, choice, integer, number, text } from '@nightpipe/config'
import { healpixDisc } from '@nightpipe/sky'
import { angleOf } from './angle-flag.js'
import { tileStars } from './fetch-tiles.js'
import { SURVEYS, type Survey } from './surveys.js'
import { GaveUp, tapClient } from './tap.js'

/** Every key of catalogue-fetch.ini, once. */
const schema = {
  fetch: {
    survey: choice('gaia', Object.keys(SURVEYS), 'what to fetch: gaia comes from ESA, the others from VizieR'),
    url: text('', 'another TAP service that has the same table; that of the survey when empty'),
    faintest: number(undefined, 'nothing fainter than this; all stars when empty', { unit: 'mag', optional: true }),
    order: integer(6, 'HEALPix order of the tiles, each a request: 5 is 1.8 degrees, 6 is 0.9, 7 is 0.46', {
      min: 0,
      max: 9,
    }),
    mode: choice('sync', ['sync', 'async'], 'answers at once, or by jobs of the service (for large tiles)'),
    rows: integer(500000, 'rows in an answer; a tile that has more is asked for in quarters', { min: 1 }),
  },
  manners: {
    pause: number(0.5, 'between two requests', { unit: 's', min: 0, digest: false }),
    retries: integer(6, 'how often a request that failed is tried again', { min: 0, digest: false }),
    'back off': number(2, 'before the first of them; each later one waits twice as long, up to a minute', {
      unit: 's',
      min: 0,
      digest: false,
    }),
    patience: number(90, 'without a byte of an answer, after which a request is given up', {
      unit: 's',
      min: 0.05,
      digest: false,
    }),
  },
}

type Config = ConfigOf<typeof schema>

/** Fetches the tiles around a position from a TAP service. */
export const fetching = defineConductor({
  name: 'catalogue',
  subcommand: 'fetch',
  summary: 'a part of the sky from Gaia or VizieR (TAP), tile by tile, into a catalogue folder',
  description:
    'Fetches the HEALPix tiles that a circle touches and that the folder does not have yet. What has arrived is kept: ' +
    'after an interruption, or with another circle, only what is missing is fetched. Requests go one at a time, with ' +
    'a pause between them; a service that is busy or stalls is asked again later and later.',
  examples: [
    {
      run: 'catalogue fetch --output catalogues/gaia --ra 05:35:17 --dec -05:23:28 --radius 1 --set fetch.faintest=18',
      doc: 'Gaia DR3 around the Orion nebula',
    },
    {
      run: 'catalogue fetch --output catalogues/2mass --ra 83.8 --dec -5.4 --radius 0.5 --set fetch.survey=2mass',
      doc: '2MASS, from VizieR',
    },
  ],
  schema,
  flags: {
    ra: { type: 'text', doc: 'right ascension: degrees, or hours as 05:35:17', placeholder: 'ANGLE' },
    dec: { type: 'text', doc: 'declination in degrees', placeholder: 'ANGLE' },
    radius: { type: 'number', doc: 'radius of the circle in degrees; 180 is the whole sky', placeholder: 'DEGREES' },
  },
  measurements: [],
  inputs: 'none',
  conduct,
})

async function conduct(request: Conducting<typeof schema>): Promise<number> {
  const { flags, config, output, log, dryRun, print } = request
  const [ra, dec] = [angleOf('ra', flags.ra), angleOf('dec', flags.dec)]
  const radius = flags.radius as number | undefined
  if (radius === undefined || !(radius > 0 && radius <= 180)) {
    throw new ConfigError(`--radius ${radius ?? 'is missing'}`, 'give the radius in degrees, up to 180')
  }
  const survey = surveyOf(config)
  const { order, faintest } = config.fetch
  const wanted = healpixDisc(order, ra, dec, radius)
  if (dryRun) {
    await print(`to do    ${wanted.length} tiles of HEALPix order ${order} from ${survey.url} -> ${output}\n`)
    return Exit.done
  }
  const limit = faintest === undefined ? '' : ` to magnitude ${faintest}`
  const catalogue = growCatalogue(output, {
    ...{ name: basename(output), source: `${survey.table.replaceAll('"', '')}${limit}`, order },
    ...{ epoch: survey.epoch, bands: Object.keys(survey.magnitudes) },
  })
  const missing = wanted.filter((tile) => !catalogue.has(tile))
  log.info(`${wanted.length} tiles, ${wanted.length - missing.length} of them are here already`)
  const failed = await fetchAll(request, survey, missing, catalogue)
  if (request.signal.aborted) return Exit.interrupted
  const { count } = catalogue.facts()
  log.info(`${output} has ${count} stars`)
  await print(request.json ? `${JSON.stringify({ product: output, ...catalogue.facts() })}\n` : `${output}\n`)
  return failed === 0 ? Exit.done : Exit.someFailed
}

function surveyOf({ fetch }: Config): Survey {
  const survey = SURVEYS[fetch.survey]!
  return fetch.url === '' ? survey : { ...survey, url: fetch.url.replace(/\/+$/, '') }
}

/** Tiles that fail in a row before the service is taken for gone. */
const MOST_IN_A_ROW = 3

/** Returns how many tiles could not be fetched. */
async function fetchAll(
  { config, log, signal }: Conducting<typeof schema>,
  survey: Survey,
  tiles: readonly number[],
  catalogue: ReturnType<typeof growCatalogue>,
): Promise<number> {
  const { mode, rows, order, faintest } = config.fetch
  const { manners } = config
  const ask = tapClient({
    ...{ url: survey.url, mode, rows, signal, pause: manners.pause, retries: manners.retries },
    ...{ backOff: manners['back off'], patience: manners.patience },
    onTrouble: (problem, seconds) => log.warn(`${survey.url}: ${problem}; again in ${seconds} s`),
  })
  let [failed, inARow] = [0, 0]
  for (const [k, tile] of tiles.entries()) {
    try {
      const stars = await tileStars(ask, survey, faintest, order, tile)
      await catalogue.add(tile, stars)
      inARow = 0
      log.detail(`tile ${tile}: ${stars.count} stars (${k + 1} of ${tiles.length})`)
    } catch (error) {
      if (signal.aborted) {
        log.warn(`interrupted: ${k} of ${tiles.length} tiles are here (run it again, and only the rest is fetched)`)
        return failed
      }
      // What the service refuses it would refuse for every tile.
      if (!(error instanceof GaveUp)) throw error
      failed++
      inARow++
      if (inARow >= MOST_IN_A_ROW || failed === tiles.length) throw error
      log.warn(`tile ${tile}: ${error.message}`)
    }
  }
  return failed
}

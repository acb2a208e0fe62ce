import { type Context, type Parent, writeProduct } from '@nightpipe/command'
import { createHeader, type NewColumn } from '@nightpipe/fits'
import { moveStar } from '@nightpipe/sky'
import { randomOf } from '../random.js'
import { nth, type Settings } from './schema.js'
import type { Source } from './sources.js'
import type { Studio } from './studio.js'

/** What a survey would list of the stars: with its own errors, without some of them, and without what moves or flares. */
export function writeReferenceCatalogue(
  path: string,
  settings: Settings,
  { night, sources }: Studio,
  context: Context,
  parents: readonly Parent[],
): void {
  const survey = settings['reference catalogue']
  const random = randomOf(settings.random['field seed'] ?? settings.random.seed, 'survey')
  const listed = night.fields
    .flatMap((field) => [...sources(field)])
    .filter(({ kind, magnitude }) => {
      const lot = random.uniform()
      return (kind === 'star' || kind === 'variable') && magnitude <= survey.faintest && lot >= survey.missing
    })
  const places = listed.map((source) => {
    const [east, north] = [survey['position error'] * random.normal(), survey['position error'] * random.normal()]
    return moveStar([source.ra, source.dec], east, north, 1)
  })
  const number = (of: (source: Source) => number) => Float32Array.from(listed, of)
  const motion = (axis: 0 | 1) =>
    number(({ proper }) => (proper?.[axis] ?? 0) + survey['motion error'] * random.normal())
  const errors = (value: number) => number(() => value)
  const bands = settings.filters.names.flatMap((name, k): NewColumn[] => [
    {
      name: `MAG_${name}`,
      unit: 'mag',
      values: number(
        ({ magnitude, colour }) =>
          magnitude + nth(settings.filters.colour, k) * colour + survey['magnitude error'] * random.normal(),
      ),
    },
    { name: `MAGERR_${name}`, unit: 'mag', values: errors(survey['magnitude error']) },
  ])
  const columns: NewColumn[] = [
    { name: 'RA', unit: 'deg', values: Float64Array.from(places, ([ra]) => ra) },
    { name: 'DEC', unit: 'deg', values: Float64Array.from(places, ([, dec]) => dec) },
    { name: 'PMRA', unit: 'mas/yr', values: motion(0) },
    { name: 'PMDEC', unit: 'mas/yr', values: motion(1) },
    ...bands,
    { name: 'RA_ERR', unit: 'mas', values: errors(survey['position error']) },
    { name: 'DEC_ERR', unit: 'mas', values: errors(survey['position error']) },
    { name: 'ID', values: listed.map(({ id }) => id) },
  ]
  const header = createHeader([
    ['EPOCH', survey.epoch, '[yr] Julian epoch of the positions'],
    ['RADESYS', 'ICRS', 'celestial reference system'],
    ['BANDS', settings.filters.names.join(' '), 'the bands of the magnitudes'],
  ])
  writeProduct(
    path,
    [{ kind: 'empty' }, { kind: 'table', name: 'STARS', header, columns, rows: listed.length }],
    context,
    parents,
  )
}

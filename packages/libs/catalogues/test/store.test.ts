import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { random } from '@nightpipe/math'
import { angularSeparation, healpixCentre, healpixOf, moveStar } from '@nightpipe/sky'
import { scratch } from '@nightpipe/testing'
import t from 'tap'
import {
  buildCatalogue,
  checkCatalogue,
  emptySkyStars,
  growCatalogue,
  openCatalogue,
  pickStars,
  type SkyStars,
} from '../src/index.js'
import { encodeStars } from '../src/tile.js'

const place = scratch()

/** Stars all over the sky, with motions fast enough to matter. */
function someStars(count: number, seed: number): SkyStars {
  const { uniform, normal } = random(seed)
  const stars = emptySkyStars(['G', 'BP'], 2016, count)
  for (let k = 0; k < count; k++) {
    stars.ra[k] = 360 * uniform()
    stars.dec[k] = (Math.asin(2 * uniform() - 1) * 180) / Math.PI
    stars.pmRa[k] = k % 10 === 0 ? Number.NaN : 3000 * normal()
    stars.pmDec[k] = k % 10 === 0 ? Number.NaN : 3000 * normal()
    stars.magnitudes.G.value[k] = k % 7 === 0 ? Number.NaN : 5 + 12 * uniform()
    stars.magnitudes.G.error[k] = 0.01
  }
  return stars
}

const stars = someStars(20000, 1)

t.test('a cone holds the stars that a search of all of them finds, brightest first, at any epoch', async (t) => {
  const folder = join(place, 'sky')
  const facts = await buildCatalogue(folder, stars, { name: 'sky', order: 3 })
  t.match(facts, { count: 20000, order: 3, tiles: 'tiles-1', bands: ['G', 'BP'] })
  const brighter = { ...stars, magnitudes: { ...stars.magnitudes, G: { ...stars.magnitudes.G } } }
  brighter.magnitudes.G.value = stars.magnitudes.G.value.map((value, k) => (k === 7 ? 3 : value))
  const twice = await buildCatalogue(join(place, 'same'), stars, { name: 'sky', order: 3 })
  const other = await buildCatalogue(join(place, 'changed'), brighter, { name: 'sky', order: 3 })
  t.equal(twice.digest, facts.digest)
  t.not(other.digest, facts.digest, 'a star is another one, and so is the catalogue')
  const catalogue = openCatalogue(folder)
  for (const [ra, dec, radius, toEpoch] of [
    [0.5, 3, 8, 2016],
    [200, -89.5, 5, 2030],
    [359.9, 89.9, 4, 1950],
    [77, 45, 0.8, 2116],
    [10, 10, 180, 2016],
  ]) {
    const found = catalogue.cone(ra, dec, radius, { toEpoch })
    let count = 0
    for (let k = 0; k < stars.count; k++) {
      const at = moveStar([stars.ra[k], stars.dec[k]], stars.pmRa[k], stars.pmDec[k], toEpoch - 2016)
      if (angularSeparation(at, [ra, dec]) <= radius) count++
    }
    t.equal(found.count, count, `${count} stars around ${ra}, ${dec}`)
    t.equal(found.epoch, toEpoch)
    const magnitudes = [...found.magnitudes.G.value].filter((value) => !Number.isNaN(value))
    t.same(
      magnitudes,
      magnitudes.toSorted((a, b) => a - b),
    )
  }
})

t.test('faintest, band and limit choose', async (t) => {
  const catalogue = openCatalogue(join(place, 'sky'))
  const bright = catalogue.cone(100, 20, 20, { faintest: 10 })
  t.ok(bright.count > 20 && bright.magnitudes.G.value.every((value) => value <= 10))
  const five = catalogue.cone(100, 20, 20, { limit: 5 })
  t.same(five.magnitudes.G.value, bright.magnitudes.G.value.slice(0, 5))
  t.throws(() => catalogue.cone(1, 2, 3, { band: 'V' }), /no band 'V' in the catalogue \(it has G, BP\)/)
})

t.test('a second import replaces the first, and leaves nothing behind', async (t) => {
  const folder = join(place, 'twice')
  await buildCatalogue(folder, stars, { name: 'one' })
  await buildCatalogue(folder, someStars(50, 2), { name: 'two' })
  t.equal(openCatalogue(folder).count, 50)
  t.same(readdirSync(folder).sort(), ['catalogue.json', 'tiles-2'])
})

t.test('files of stars are read whole', async (t) => {
  const path = join(place, 'stars.csv')
  writeFileSync(
    path,
    '# epoch: 2015.5\nsource_id,ra,dec,pmra,pmdec,phot_g_mean_mag,phot_g_mean_mag_error\n' +
      '4295806720,10.5,-3.25,1.5,-2,12.25,0.01\n7,05:30:00,+10:00:00,,,,\n',
  )
  const catalogue = openCatalogue(path)
  t.match(catalogue, { count: 2, epoch: 2015.5, bands: ['G'] })
  const [star, other] = [catalogue.cone(10.5, -3.25, 0.1), catalogue.cone(82.5, 10, 0.1)]
  t.match(star, { count: 1, id: ['4295806720'] })
  t.equal(star.magnitudes.G.value[0], 12.25)
  t.equal(other.count, 1)
  t.ok(Number.isNaN(other.pmRa[0]) && Number.isNaN(other.magnitudes.G.value[0]))
})

t.test('what is no catalogue is refused in one line', async (t) => {
  t.throws(() => openCatalogue(join(place, 'none')), /there is no catalogue .*none/)
  t.throws(() => openCatalogue(place), /is no catalogue: it has no catalogue.json/)
  writeFileSync(join(place, 'bad.csv'), 'x,y\n1,2\n')
  t.throws(() => openCatalogue(join(place, 'bad.csv')), /has no columns of right ascension and declination/)
})

t.test('a catalogue whose tiles were exchanged for others of the same count is not whole', async (t) => {
  const [folder, other] = [join(place, 'exchanged'), join(place, 'moved')]
  await buildCatalogue(folder, stars, { name: 'one', order: 3 })
  const moved = pickStars(stars, [...stars.ra.keys()])
  moved.dec[0] += 1e-5
  await buildCatalogue(other, moved, { name: 'one', order: 3 })
  rmSync(join(folder, 'tiles-1'), { recursive: true })
  renameSync(join(other, 'tiles-1'), join(folder, 'tiles-1'))
  t.same([...checkCatalogue(folder)], ['catalogue.json was written for other tiles'])
})

t.test('what a killed import left is removed by the next one; a catalogue that was replaced says so', async (t) => {
  const folder = join(place, 'killed')
  await buildCatalogue(folder, stars, { name: 'one', order: 3 })
  for (const name of ['.tiles-2.part', 'tiles-7']) mkdirSync(join(folder, name, 'Norder3'), { recursive: true })
  const open = openCatalogue(folder)
  await buildCatalogue(folder, stars, { name: 'two', order: 3 })
  t.same(readdirSync(folder).sort(), ['catalogue.json', 'tiles-2'])
  t.throws(() => open.cone(10, 10, 1), /is gone: the catalogue was replaced meanwhile/)
})

t.test('tiles come one by one, from two processes too, and tell what they cover', async (t) => {
  const folder = join(place, 'grown')
  const options = { name: 'grown', source: 'a service', epoch: 2016, bands: ['G', 'BP'], order: 2 }
  const inTile = (tile: number) =>
    pickStars(
      stars,
      Array.from(stars.ra.keys()).filter((k) => healpixOf(2, stars.ra[k], stars.dec[k]) === tile),
    )
  const [one, other] = [growCatalogue(folder, options), growCatalogue(folder, options)]
  await Promise.all([
    ...[10, 11, 12].map((tile) => one.add(tile, inTile(tile))),
    ...[13, 14].map((tile) => other.add(tile, inTile(tile))),
  ])
  await one.add(15, emptySkyStars(['G', 'BP'], 2016))
  const catalogue = openCatalogue(folder)
  t.equal(
    catalogue.count,
    [10, 11, 12, 13, 14].reduce((sum, tile) => sum + inTile(tile).count, 0),
  )
  t.same([...checkCatalogue(folder)], [])
  await t.test('a tile of other stars is told, for it would pass for the one that products name', async (t) => {
    const tile = join(folder, 'tiles-1', 'Norder2', 'Dir0', 'Npix12.fits')
    const [kept, moved] = [readFileSync(tile), inTile(12)]
    moved.dec[0] += 1e-5
    writeFileSync(tile, encodeStars(moved))
    t.match([...checkCatalogue(folder)], [/Npix12.fits is not the tile that tiles.csv names/])
    writeFileSync(tile, kept)
  })
  const again = growCatalogue(join(place, 'again'), options)
  for (const tile of [14, 15, 13, 12, 11, 10])
    await again.add(tile, tile === 15 ? emptySkyStars([], 2016) : inTile(tile))
  t.equal(again.facts().digest, one.facts().digest, 'the same stars, whatever the order in which they came')
  const [ra, dec] = healpixCentre(2, 12)
  t.ok(catalogue.covers(ra, dec, 0.1))
  t.notOk(catalogue.covers(ra, dec, 60))
  t.ok(one.has(15) && !one.has(16))
  t.throws(() => growCatalogue(folder, { ...options, order: 3 }), /holds tiles of another kind \(order 2, now 3\)/)
  t.throws(() => growCatalogue(join(place, 'sky'), options), /was imported whole/)
})

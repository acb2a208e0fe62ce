import { join } from 'node:path'
import { numberOf, openFits, textOf } from '@nightpipe/fits'
import { addStandards, makeTree, readOrderImage, readSpectra, readStandards, type Tree } from '@nightpipe/spectrographs'
import { call } from '@nightpipe/testing'
import t from 'tap'
import { ORDERS, WIDTH, writeScene, writeSceneTraces } from './scene.js'

const run = (args: readonly string[], cwd: string) => call('extract', args, { cwd })

/** A tree with traces, and a flat, an arc and a star that reduction left in temp. */
async function night(cwd: string): Promise<Tree> {
  const folder = join(cwd, 'cpt/nres03/reduced')
  const tree: Tree = { folder, site: 'cpt', instrument: 'nres03', camera: 'fl13' }
  makeTree(tree)
  const path = writeSceneTraces(join(folder, 'trace'))
  await addStandards(tree, [{ type: 'TRACE', path, averaged: 1, camera: 'fl13', mjd: 58162, fibres: [0, 1, 2] }])
  const at = (name: string) => join(folder, 'temp', name)
  writeScene(at('w00.fits'), { objects: 'tung&tung&none', type: 'LAMPFLAT', level: [80000, 60000, 0], moved: 0.4 })
  writeScene(at('a00.fits'), { objects: 'thar&thar&none', type: 'DOUBLE', level: [8000, 6000, 0], seed: 3 })
  writeScene(at('e00.fits'), {
    objects: 'hd1461&thar&none',
    type: 'TARGET',
    level: [9000, 900, 0],
    seed: 4,
    moved: -1.3,
  })
  return tree
}

t.test('in a tree flats, arcs and stars go where the NRES pipeline puts them, and are entered', async (t) => {
  const cwd = t.testdir({})
  const tree = await night(cwd)
  const call = ['--root', '.', '--site', 'cpt', '--nres-instrument', 'nres03']
  const flat = run(['-s', join(tree.folder, 'temp/w00.fits'), ...call], cwd)
  t.equal(flat.status, 0, flat.stderr)
  const made = flat.stdout
    .trim()
    .split('\n')
    .map((path) => path.replace(/^.*reduced\//, ''))
  t.same(made.sort(), ['flat/FLATcpt2018044.12345.fits', 'temp/extr/w00-1d.fits'])
  const rest = run(['-s', join(tree.folder, 'temp/a00.fits'), join(tree.folder, 'temp/e00.fits'), ...call], cwd)
  t.equal(rest.status, 0, rest.stderr)
  const rows = readStandards(tree).map(({ Type, Filename, Navg, Flags }) => `${Type} ${Filename} ${Navg} ${Flags}`)
  t.same(rows.sort(), [
    'BLAZE reduced/blaz/BLAZcpt2018044.12345.fits 1 0010',
    'DOUBLE dble/DBLEcpt2018044.12345.fits 1 0010',
    'FLAT flat/FLATcpt2018044.12345.fits 1 0010',
    'TRACE trace/TRAC.fits 1 0030',
  ])
  const file = openFits(join(tree.folder, 'spec/SPECcpt2018044.12345.fits'))
  t.same(file.hdus[0]!.axes, [WIDTH, ORDERS, 2])
  file.close()
  const spec = readOrderImage(join(tree.folder, 'spec/SPECcpt2018044.12345.fits'))
  t.ok(Math.abs(spec.values[WIDTH * 1 + 100]! / 9000 - 1) < 0.1, 'flat-relative: the electrons at response 1')
  t.ok(Math.abs(numberOf(spec.header, 'AMPFL001')! / 9000 - 1) < 0.02)
  const star = readSpectra(join(tree.folder, 'temp/extr/e00-1d.fits'))
  t.ok(Math.abs(numberOf(star.header, 'TRACDY')! + 1.3) < 0.01, 'the shift of the star')
  const arc = readSpectra(join(tree.folder, 'temp/extr/a00-1d.fits'))
  t.equal(numberOf(arc.header, 'TRACDY'), 0, 'lamps of lines are extracted where the traces are')
  t.equal(textOf(arc.header, 'L1IDFLAT'), 'FLATcpt2018044.12345.fits')
})

t.test('a star without a flat fails by itself, and says what to do', async (t) => {
  const cwd = t.testdir({})
  const tree = await night(cwd)
  const { status, stderr } = run(['-s', join(tree.folder, 'temp/e00.fits'), '--tree', tree.folder], cwd)
  t.equal(status, 3)
  t.match(stderr, /no FLAT for .*e00\.fits in standards\.csv \(extract flats first, then stack them\)/)
})

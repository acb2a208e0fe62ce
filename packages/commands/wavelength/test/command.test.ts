import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { call } from '@nightpipe/testing'
import t from 'tap'
import type { Arc } from '../src/arcs.js'
import { chooseArcs, servingArcs, sharesOf } from '../src/choose-arcs.js'

const run = (args: readonly string[], cwd: string) => call('wavelength', args, { cwd })

const arc = (mjd: number, fibres: readonly number[]) =>
  ({ mjd, solutions: fibres.map((fibre) => ({ fibre })) }) as unknown as Arc
const ANY = { 'maximum age': 0, interpolate: true, lamp: [] }

t.test('an exposure stands between the arcs before and after, by its distance from each', async (t) => {
  const arcs = [arc(9, [0, 1]), arc(10, [0, 1]), arc(12, [0, 1]), arc(12.1, [1, 2])]
  const of = (mjd: number, options = ANY) => new Map(chooseArcs({ mjd, camera: 'x' }, arcs, options))
  t.same(of(10.5).get(0), [
    { arc: 1, share: 0.75 },
    { arc: 2, share: 0.25 },
  ])
  t.same(of(10.5).get(2), [{ arc: 3, share: 1 }], 'a fibre that only one arc has')
  t.same(of(13).get(0), [{ arc: 2, share: 1 }], 'after the last one')
  t.same(of(10.5, { ...ANY, interpolate: false }).get(0), [{ arc: 1, share: 1 }])
  t.same(of(13, { ...ANY, 'maximum age': 0.5 }).get(0), undefined, 'arcs that are too old')
  t.same(
    of(12.05, { ...ANY, lamp: [2] as never[] }).get(1),
    [{ arc: 3, share: 1 }],
    'the lamp fibre must be in the arc',
  )
})

t.test('where the lamp tells the drift, all arcs of the nearest night serve alike', async (t) => {
  const arcs = [
    arc(9, [0, 1]),
    arc(10, [0, 1]),
    arc(10.01, [1, 2]),
    arc(10.02, [0, 1]),
    arc(10.4, [0, 1]),
    arc(12, [0, 1]),
  ]
  const master = { ...arc(10, [0, 1, 2]), averaged: true }
  const of = (mjd: number, lamp: number[], some = arcs) => {
    const serving = servingArcs({ mjd, camera: 'x' }, some, { ...ANY, lamp: lamp as never[] })
    return new Map(sharesOf({ mjd }, some, serving, lamp))
  }
  const third = [1, 3, 4].map((k) => ({ arc: k, share: 1 / 3 }))
  t.same(of(10.2, [1]).get(0), third)
  t.same(
    of(10.2, [1]).get(1),
    [1, 2, 3, 4].map((k) => ({ arc: k, share: 1 / 4 })),
    'the lamp fibre itself',
  )
  t.same(of(10.2, [1]).get(2), [{ arc: 2, share: 1 }])
  t.same(of(10.2, [1], [...arcs, master]).get(0), third, 'an average of them would count them twice')
  t.same(of(10.2, [1], [master]).get(2), [{ arc: 0, share: 1 }], 'and stands for them where they are gone')
  t.same(of(10.2, []), new Map(chooseArcs({ mjd: 10.2, camera: 'x' }, arcs, ANY)), 'without the lamp time counts')
})

t.test('a list of lines that is not there is refused before anything is touched', async (t) => {
  const cwd = t.testdir({ in: {} })
  const { status, stdout, stderr } = run(['-s', 'in', '-r', 'out', '--line-list', 'nothing.dat'], cwd)
  t.equal(stdout, '')
  t.ok(status === 2 || status === 3, stderr)
  t.throws(() => readFileSync(join(cwd, 'out/wavelength.csv')))
})

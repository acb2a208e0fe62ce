import { join } from 'node:path'
import { createHeader, openFits, writeFits } from '@nightpipe/fits'
import { random } from '@nightpipe/math'
import t from 'tap'
import {
  type ArcPart,
  meanArcParts,
  ofMembers,
  readWaveArcs,
  waveArcsHdus,
  zeroErrorAgainst,
  zeroErrorOf,
} from '../src/index.js'

const ARCS = 12
const SIGMA = { fit: 5.5, place: 1.2 }
/** An exposure with the mean of some arcs, which stand beside one another with shares of their own. */
const exposure = (arcs: readonly number[], shares: readonly number[] = arcs.map(() => 1 / arcs.length)) =>
  arcs.flatMap((arc, k): ArcPart[] => [
    { fibre: 0, mjd: 60000 + 30 * arc, what: 'place', share: shares[k]!, error: SIGMA.place },
    { fibre: 0, mjd: 60000 + 30 * arc, what: 'fit', share: 1 / arcs.length, error: SIGMA.fit },
  ])
const upTo = (from: number, to: number) => Array.from({ length: to - from }, (_, k) => from + k)

t.test('what two exposures have of the same arcs drops out: by chance drawn many times', async (t) => {
  const [a, b, c] = [exposure(upTo(0, 7)), exposure(upTo(3, 12)), exposure([4, 5], [0.9, 0.1])]
  const template = meanArcParts([
    { parts: a, weight: 1 },
    { parts: b, weight: 3 },
  ])!
  const draw = random(5)
  const zero = (parts: readonly ArcPart[], noise: Map<string, number>) =>
    parts.reduce((sum, { mjd, what, share }) => sum + share * noise.get(`${mjd} ${what}`)!, 0)
  const rms = (values: readonly number[]) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length)
  const told = Array.from({ length: 4000 }, () => {
    const noise = new Map<string, number>()
    for (let arc = 0; arc < ARCS; arc++) {
      for (const what of ['fit', 'place'] as const)
        noise.set(`${60000 + 30 * arc} ${what}`, SIGMA[what] * draw.normal())
    }
    const of = (parts: readonly ArcPart[]) => zero(parts, noise)
    const averaged = (of(a) + 3 * of(b)) / 4
    return { a: of(a) - averaged, c: of(c) - averaged, alone: of(c), template: of(template) - averaged }
  })
  // 4000 draws tell a scatter to 1.1 %
  for (const [parts, drawn] of [
    [a, told.map((one) => one.a)],
    [c, told.map((one) => one.c)],
  ] as const) {
    const { own, reference } = zeroErrorAgainst(parts, template)
    t.ok(Math.abs(Math.hypot(own, reference) / rms(drawn) - 1) < 0.04, `${Math.hypot(own, reference)} ${rms(drawn)}`)
  }
  t.ok(Math.abs(zeroErrorOf(c) / rms(told.map(({ alone }) => alone)) - 1) < 0.04)
  t.ok(rms(told.map((one) => one.template)) < 1e-9, 'the template has the mean of its exposures')
})

t.test('the same arcs leave nothing, others all, and what only the template has is told by itself', async (t) => {
  const [a, b] = [exposure([0, 1]), exposure([5, 6, 7])]
  t.same(zeroErrorAgainst(a, a), { own: 0, reference: 0 })
  t.same(zeroErrorAgainst(a, b), { own: zeroErrorOf(a), reference: zeroErrorOf(b) })
  const late = a.map((part) => ({ ...part, mjd: part.mjd + 0.0001 }))
  t.equal(zeroErrorAgainst(late, a).own, 0, 'a time that was told to fewer digits')
  t.equal(
    meanArcParts([
      { parts: a, weight: 1 },
      { parts: undefined, weight: 1 },
    ]),
    undefined,
  )
})

t.test(
  'averages of arcs have in common what they have of the same arcs; arcs follow one another within a minute',
  async (t) => {
    const member = (arc: number, of: number): ArcPart => {
      return { fibre: 0, mjd: 60000 + arc / 1440, what: 'fit', share: 1 / of, error: SIGMA.fit }
    }
    const average = (arcs: readonly number[]) => {
      const members = arcs.map((arc) => member(arc, arcs.length))
      const error = SIGMA.fit / Math.sqrt(arcs.length)
      return ofMembers({ fibre: 0, mjd: members[0]!.mjd + 0.0011, what: 'fit', share: 1, error }, members)
    }
    const near = (value: number, wanted: number, what: string) =>
      t.ok(Math.abs(value - wanted) < 1e-9, `${what}: ${value}, ${wanted}`)
    near(zeroErrorOf(average([0, 1, 2, 3])), SIGMA.fit / 2, 'the error of an average is its own')
    t.same(zeroErrorAgainst(average([0, 1, 2, 3]), average([0, 1, 2, 3])), { own: 0, reference: 0 })
    // one of four differs on either side
    const { own, reference } = zeroErrorAgainst(average([0, 1, 2, 3]), average([1, 2, 3, 4]))
    near(own, SIGMA.fit / 4, 'what the exposure alone has')
    near(reference, SIGMA.fit / 4, 'what the template alone has')
    // two averages by halves: of five arcs three count twice
    const both = [...average([0, 1, 2, 3]), ...average([1, 2, 3, 4])].map((part) => ({
      ...part,
      share: part.share / 2,
    }))
    near(zeroErrorOf(both), (SIGMA.fit / 8) * Math.sqrt(2 + 3 * 4), 'arcs of two averages are not counted twice over')
    t.same(ofMembers(member(0, 1), undefined), [member(0, 1)], 'an arc that is of itself alone')
  },
)

t.test('a file keeps them', async (t) => {
  const path = join(t.testdir({}), 'e.fits')
  const parts = exposure([0, 3])
  writeFits(path, [{ kind: 'empty', header: createHeader([]) }, ...waveArcsHdus(parts)])
  const file = openFits(path)
  t.same(readWaveArcs(file), parts)
  file.close()
  t.same(waveArcsHdus([]), [])
})

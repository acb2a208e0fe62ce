import t from 'tap'
import { findTracks, type Seen } from '../src/movers.js'

const OPTIONS = { fastest: 100, tolerance: 1, epochs: 3 }
const seen = (x: number, y: number, time: number): Seen => ({ x, y, time, epoch: `f${time}` })
const moving = (x: number, y: number, vx: number, vy: number, times: readonly number[]) =>
  times.map((time) => seen(x + vx * time, y + vy * time, time))

t.test('two objects that cross are told apart, and strays belong to neither', async (t) => {
  const a = moving(10, 10, 30, 20, [0, 1, 2, 3])
  const b = moving(100, 12, -30, 18, [0, 1, 2, 3])
  const strays = [seen(50, 90, 0), seen(12, 70, 2), seen(77, 3, 3)]
  const places = [...strays, ...b, ...a]
  const tracks = findTracks(places, OPTIONS)
  t.equal(tracks.length, 2)
  const rates = tracks.map(({ vx, vy }) => [Math.round(vx), Math.round(vy)])
  t.same(rates.sort(), [
    [-30, 18],
    [30, 20],
  ])
  t.ok(tracks.every(({ members }) => members.length === 4 && members.every((k) => k >= strays.length)))
})

t.test('what is too fast, what stays and what is seen twice only is no mover', async (t) => {
  t.equal(findTracks(moving(10, 10, 120, 0, [0, 1, 2]), OPTIONS).length, 0)
  t.equal(findTracks(moving(10, 10, 0, 0, [0, 1, 2]), OPTIONS).length, 0)
  t.equal(findTracks(moving(10, 10, 30, 0, [0, 1]), OPTIONS).length, 0)
  t.equal(findTracks([], OPTIONS).length, 0)
})

t.test('an epoch gives one place to a track, the nearest', async (t) => {
  const [track] = findTracks([...moving(10, 10, 30, 0, [0, 1, 2, 3]), seen(70.4, 10, 2)], OPTIONS)
  t.equal(track!.members.length, 4)
  t.notOk(track!.members.includes(4))
})

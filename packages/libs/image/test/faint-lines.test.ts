import { random } from '@nightpipe/math'
import t from 'tap'
import { findFaintLines } from '../src/index.js'

const [columns, rows] = [220, 200]

/** Noise of one sigma in cells, and what lines have of it. */
function cellsOf(seed: number, lines: readonly { slope: number; from: number; light: number; until?: number }[]) {
  const { normal } = random(seed)
  const values = Float32Array.from({ length: columns * rows }, (_, p) => {
    const [x, y] = [p % columns, Math.floor(p / columns)]
    const light = lines.map(({ slope, from, light, until = columns }) => {
      const away = (y - from - slope * x) / Math.hypot(1, slope)
      return x < until ? light * Math.exp((-away * away) / 0.7) : 0
    })
    return normal() + light.reduce((a, b) => a + b, 0)
  })
  return { values, columns, rows }
}

t.test('noise has no lines, and bright cells make none', async (t) => {
  for (let seed = 1; seed <= 4; seed++) {
    const cells = cellsOf(seed, [])
    t.same(findFaintLines(cells), [])
    const { uniform } = random(seed, 3)
    for (let k = 0; k < 60; k++) cells.values[Math.floor(columns * rows * uniform())] = 1000
    t.same(findFaintLines(cells), [])
  }
})

t.test('a line is found that no cell of it shows, bright or dark, and lies where it is', async (t) => {
  for (const light of [0.9, -0.9]) {
    const [line, ...others] = findFaintLines(cellsOf(7, [{ slope: 0.6, from: 30, light }]))
    t.same(others, [])
    t.ok(Math.sign(line!.strength) === Math.sign(light) && Math.abs(line!.strength) > 8, `${line!.strength}`)
    const slope = line!.sin / line!.cos
    t.ok(Math.abs(slope - 0.6) < 0.01, `slope ${slope}`)
    const at = (x: number) => line!.y + slope * (x - line!.x)
    for (const x of [10, 200]) t.ok(Math.abs(at(x) - 30 - 0.6 * x) < 1, `${at(x)} at ${x}`)
  }
})

t.test('one of half the way is found, and beside a bright one nothing is dark', async (t) => {
  const lines = findFaintLines(
    cellsOf(9, [
      { slope: -0.3, from: 120, light: 60 },
      { slope: 0.8, from: 10, light: 1.6, until: 110 },
    ]),
  )
  t.equal(lines.length, 2)
  t.ok(lines.every(({ strength }) => strength > 0))
  t.ok(Math.abs(lines[1]!.sin / lines[1]!.cos - 0.8) < 0.03)
})

t.test('where nothing is known there is no line', async (t) => {
  const values = new Float32Array(columns * rows).fill(Number.NaN)
  t.same(findFaintLines({ values, columns, rows }), [])
  t.same(findFaintLines({ values: new Float32Array(columns * rows), columns, rows }), [])
})

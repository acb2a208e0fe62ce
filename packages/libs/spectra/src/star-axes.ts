import type { SetMember, StarParameters } from './star-set.js'

/** What a set can tell. */
export const AXES = ['teff', 'logg', 'metallicity'] as const
export type AxisName = (typeof AXES)[number]

/** One parameter in which the members differ, as the coordinate between them: steps of the set, of the logarithm of a temperature. */
export interface Axis {
  name: AxisName
  low: number
  high: number
  /** of one step */
  scale: number
}

const toAxis = (name: AxisName, value: number) => (name === 'teff' ? Math.log(value) : value)
const fromAxis = (name: AxisName, value: number) => (name === 'teff' ? Math.exp(value) : value)

/** The coordinate of a value, in steps of the set. */
export const placeOn = ({ name, scale }: Axis, value: number) => toAxis(name, value) / scale

/** The value at a coordinate, and how it changes with it. */
export function valueOn({ name, scale }: Axis, place: number): { value: number; rate: number } {
  const value = fromAxis(name, place * scale)
  return { value, rate: name === 'teff' ? value * scale : scale }
}

export const placesOf = (member: StarParameters, axes: readonly Axis[]) =>
  Float64Array.from(axes, (axis) => placeOn(axis, member[axis.name]))

/** The parameters in which the members of a set differ; members that lack one of them that most have are left out. */
export function axesOf(all: readonly SetMember[]): { axes: Axis[]; usable: boolean[] } {
  const has = (name: AxisName) => all.filter((member) => Number.isFinite(member[name])).length
  const names = AXES.filter((name) => has(name) > all.length / 2)
  const usable = all.map((member) => names.every((name) => Number.isFinite(member[name])))
  const members = all.filter((_, k) => usable[k])
  const varied = names.filter((name) => members.some((member) => Math.abs(member[name] - members[0]![name]) > 1e-9))
  const axes = varied.map((name): Axis => {
    const values = members.map((member) => toAxis(name, member[name])).sort((a, b) => a - b)
    const distinct = values.filter((value, k) => k === 0 || value - values[k - 1]! > 1e-6)
    const [low, high] = [values[0]!, values.at(-1)!]
    return {
      name,
      low: fromAxis(name, low),
      high: fromAxis(name, high),
      scale: stepOf(distinct, members.length, varied.length),
    }
  })
  return { axes, usable }
}

/** The step of a grid, whose values repeat; of scattered members, the step of a grid of as many over the same range. */
function stepOf(distinct: readonly number[], members: number, axes: number): number {
  if (members / distinct.length >= 2 || axes === 1) {
    const gaps = distinct.slice(1).map((value, k) => value - distinct[k]!)
    return gaps.sort((a, b) => a - b)[gaps.length >> 1]!
  }
  // the root of the number, without powers: the least grid that holds them all
  let side = 2
  while ((axes === 2 ? side * side : side * side * side) < members) side++
  return (distinct.at(-1)! - distinct[0]!) / (side - 1)
}

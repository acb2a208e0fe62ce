import { LIGHT_SPEED, solve } from '@nightpipe/math'
import { rotationKernel } from './broaden.js'
import type { PackedOrder } from './order-match.js'
import { BIN, type SetMember, type Stretch } from './star-set.js'

/** An order of the star beside the stretch of the set under it. */
export interface StarOrder {
  data: PackedOrder
  stretch: Stretch
}

/** How well one member fits, roughly: in bins of half a line, at a rotation of a coarse list. */
export interface RoughFit {
  member: number
  /** m/s */
  vsini: number
  chiSquare: number
}

/** Broadenings tried, m/s. */
const ROTATIONS = [0, 8e3, 16e3, 30e3, 60e3, 100e3, 160e3, 250e3]

/** Members on which rotations are tried. */
const TRIED = 24

/** Where to start: the fits of all members at the rotation that suits best, and of a few at that which suits second. Best first. */
export function roughFits(orders: readonly StarOrder[], members: readonly SetMember[], shift: number): RoughFit[] {
  const binned = orders.map((one) => binOrder(one, shift))
  const stride = Math.max(1, Math.ceil(members.length / TRIED))
  const some = [...members.keys()].filter((k) => k % stride === 0)
  const rotations: RoughFit[][] = []
  for (const vsini of ROTATIONS) {
    rotations.push(
      bestFirst(some.map((member) => ({ member, vsini, chiSquare: roughFit(binned, members, member, vsini) }))),
    )
    const least = Math.min(...rotations.map(([best]) => best!.chiSquare))
    if (rotations.length > 2 && rotations.slice(-2).every(([best]) => best!.chiSquare > 1.05 * least)) break
  }
  rotations.sort(([a], [b]) => a!.chiSquare - b!.chiSquare)
  return bestFirst([...ofAll(binned, members, rotations[0]![0]!.vsini), ...rotations[1]!])
}

/** How well each member fits by itself at a shift and a rotation that are known. Best first. */
export const memberFits = (orders: readonly StarOrder[], members: readonly SetMember[], shift: number, vsini: number) =>
  bestFirst(
    ofAll(
      orders.map((one) => binOrder(one, shift)),
      members,
      vsini,
    ),
  )

const ofAll = (binned: readonly BinnedOrder[], members: readonly SetMember[], vsini: number): RoughFit[] =>
  [...members.keys()].map((member) => ({ member, vsini, chiSquare: roughFit(binned, members, member, vsini) }))

const bestFirst = (fits: RoughFit[]) => fits.sort((a, b) => a.chiSquare - b.chiSquare)

interface BinnedOrder {
  stretch: Stretch
  /** light over continuum, and its weight, in the bins of the stretch */
  light: Float64Array
  weight: Float64Array
}

/** The star without its continuum, in the bins of the set, moved by `shift`. */
function binOrder({ data, stretch }: StarOrder, shift: number): BinnedOrder {
  const bins = stretch.coarse[0]!.length
  const [light, weight] = [new Float64Array(bins), new Float64Array(bins)]
  const level = continuumOf(data)
  for (let i = 0; i < data.u.length; i++) {
    const bin = Math.floor((data.u[i]! - shift - stretch.first) / (BIN * stretch.step))
    if (bin < 0 || bin >= bins || !(level[i]! > 0)) continue
    const w = data.weight[i]! * level[i]! ** 2
    light[bin]! += (w * data.flux[i]!) / level[i]!
    weight[bin]! += w
  }
  for (let b = 0; b < bins; b++) if (weight[b]! > 0) light[b]! /= weight[b]!
  return { stretch, light, weight }
}

/** The polynomial nearest to an order itself. */
function continuumOf({ flux, weight, continuum, terms }: PackedOrder): Float64Array {
  const [normal, right] = [new Float64Array(terms * terms), new Float64Array(terms)]
  for (let i = 0; i < flux.length; i++) {
    for (let k = 0; k < terms; k++) {
      const factor = weight[i]! * continuum[i * terms + k]!
      right[k]! += factor * flux[i]!
      for (let j = 0; j <= k; j++) normal[k * terms + j]! += factor * continuum[i * terms + j]!
    }
  }
  const solution = solve(normal, right)
  return flux.map((_, i) => {
    let level = 0
    for (let k = 0; k < terms; k++) level += solution[k]! * continuum[i * terms + k]!
    return level
  })
}

/** Chi square of a member, with a factor for each order. */
function roughFit(
  orders: readonly BinnedOrder[],
  members: readonly SetMember[],
  member: number,
  vsini: number,
): number {
  const own = members[member]!.vsini
  const added = Math.sqrt(Math.max(0, vsini ** 2 - own ** 2))
  let chiSquare = 0
  for (const { stretch, light, weight } of orders) {
    const flux = turned(stretch.coarse[member]!, rotationKernel(added, BIN * stretch.step))
    let [ff, ft, tt] = [0, 0, 0]
    for (let b = 0; b < light.length; b++) {
      const [w, f, t] = [weight[b]!, light[b]!, flux[b]!]
      ff += w * f * f
      ft += w * f * t
      tt += w * t * t
    }
    chiSquare += ff - (ft * ft) / (tt || 1)
  }
  return chiSquare
}

function turned(flux: Float32Array, kernel: Float64Array): Float32Array {
  const half = kernel.length >> 1
  if (half === 0) return flux
  const out = new Float32Array(flux.length)
  for (let k = half; k < flux.length - half; k++) {
    let sum = 0
    for (let j = 0; j < kernel.length; j++) sum += kernel[j]! * flux[k - half + j]!
    out[k] = sum
  }
  out.fill(out[half]!, 0, half)
  out.fill(out[flux.length - half - 1]!, flux.length - half)
  return out
}

/** m/s for the square of steps, and back. */
export const vsiniOf = (turn: number, step: number) => Math.sqrt(Math.max(0, turn)) * step * LIGHT_SPEED
export const turnOf = (vsini: number, step: number) => (vsini / (step * LIGHT_SPEED)) ** 2

import type { Candidate } from './line-votes.js'

/** Candidates of one order. */
export interface OrderCandidates {
  index: number
  candidates: readonly Candidate[]
}

/** One candidate for each of several orders. */
export interface OrderPath {
  score: number
  places: { index: number; t: number }[]
}

/** Orders that may be missing between two that are joined. */
const SKIP = 3

/**
 * The best way through the candidates of all orders for which m λ changes slowly from order to order (dynamic programming): scores
 * add up, and a change of ln (m λ) by `slack` per order costs half a unit of log-likelihood. An order may be left out.
 */
export function bestPath(
  orders: readonly OrderCandidates[],
  diffractionOrder: (index: number) => number,
  slack: number,
): OrderPath {
  const score = orders.map(({ candidates }) => new Float64Array(candidates.length))
  const from = orders.map(({ candidates }) => new Int32Array(candidates.length).fill(-1))
  const place = orders.map(({ index, candidates }) => {
    const shift = Math.log(diffractionOrder(index))
    return Float64Array.from(candidates, ({ t }) => t + shift)
  })
  let best = { score: 0, order: -1, candidate: -1 }
  for (let o = 0; o < orders.length; o++) {
    for (let c = 0; c < score[o].length; c++) {
      let most = 0
      for (let p = o - 1; p >= Math.max(0, o - SKIP); p--) {
        const step = slack * Math.sqrt(Math.abs(orders[o].index - orders[p].index)) * Math.SQRT2
        for (let d = 0; d < score[p].length; d++) {
          const change = (place[o][c] - place[p][d]) / step
          const total = score[p][d] - change * change
          if (total > most) {
            most = total
            from[o][c] = p * 256 + d
          }
        }
      }
      score[o][c] = most + orders[o].candidates[c].score
      if (score[o][c] > best.score) best = { score: score[o][c], order: o, candidate: c }
    }
  }
  const places: OrderPath['places'] = []
  for (let o = best.order, c = best.candidate; o >= 0; ) {
    places.unshift({ index: orders[o].index, t: orders[o].candidates[c].t })
    const before = from[o][c]
    if (before < 0) break
    o = before >> 8
    c = before & 255
  }
  return { score: best.score, places }
}

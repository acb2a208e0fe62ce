import { power } from '@nightpipe/math'

/** ln n! (Stirling's series beyond 20: better than 1e-10). */
export function logFactorial(n: number): number {
  if (n < 2) return 0
  if (n <= 20) {
    let product = 1
    for (let k = 2; k <= n; k++) product *= k
    return Math.log(product)
  }
  return n * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI * n) + 1 / (12 * n) - 1 / (360 * power(n, 3))
}

/** Logarithm of the probability of `hits` or more of `trials`, each of probability `p`. */
export function logBinomialTail(trials: number, hits: number, p: number): number {
  if (hits <= 0 || p >= 1) return 0
  if (hits > trials || p <= 0) return Number.NEGATIVE_INFINITY
  let largest = Number.NEGATIVE_INFINITY
  const terms: number[] = []
  for (let k = hits; k <= trials; k++) {
    const ways = logFactorial(trials) - logFactorial(k) - logFactorial(trials - k)
    const term = ways + k * Math.log(p) + (trials - k) * Math.log1p(-p)
    terms.push(term)
    if (term > largest) largest = term
    else if (term < largest - 40) break
  }
  return Math.min(0, largest + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - largest), 0)))
}

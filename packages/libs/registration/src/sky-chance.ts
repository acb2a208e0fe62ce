import { logBinomialTail } from './chance.js'

/** What a match of two lists of stars on one area was, for the question whether chance could have done it. */
export interface MatchCount {
  /** Stars of the frame that were offered, and those of them that found a partner. */
  offered: number
  matched: number
  /** Chance that a star of the frame finds a partner where the solution is wrong. */
  chance: number
  /** Numbers that were fitted to the partners: two of them can make one match fit. */
  fitted: number
  /** Solutions that were looked at until this one, by natural order of all: each was a chance for chance. */
  hypotheses: number
}

/**
 * The logarithm (base 10) of the number of matches as good as this one that chance alone is expected to have made in the
 * whole search: the hypotheses tried, times the binomial tail of the matches that the fit did not force.
 */
export function logFalseMatch({ offered, matched, chance, fitted, hypotheses }: MatchCount): number {
  const forced = Math.ceil(fitted / 2)
  return Math.log10(Math.max(1, hypotheses)) + logBinomialTail(offered - forced, matched - forced, chance) / Math.LN10
}

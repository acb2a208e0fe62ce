/** The fibres with light, from what each sees: ['star', 'thar', 'none'] are 0 and 1. */
export const litFibres = (words: readonly string[]): number[] =>
  words.flatMap((word, fibre) => (word.trim().toLowerCase() === 'none' || word.trim() === '' ? [] : [fibre]))

/** What a fibre sees, as far as calibration is concerned. */
export function lightOf(word: string): 'none' | 'arc' | 'flat' | 'star' {
  const name = word.trim().toLowerCase()
  if (name === 'none' || name === '') return 'none'
  if (/^(thar|arc|une|lfc|fp|hollow)/.test(name)) return 'arc'
  return /^(tung|halogen|flat|white)/.test(name) ? 'flat' : 'star'
}

/** The fibres that see a star (or the sky). */
export const starFibres = (words: readonly string[]): number[] =>
  words.flatMap((word, fibre) => (lightOf(word) === 'star' ? [fibre] : []))

const SETS: Record<string, readonly number[]> = { 1: [0, 1], 2: [1, 2], 3: [0, 1, 2] }

/** The third character of the flags of a product with these fibres; 0 where there is no such character. */
export function fibreFlag(fibres: readonly number[]): string {
  const wanted = [...fibres].sort((a, b) => a - b).join()
  return Object.keys(SETS).find((flag) => SETS[flag]!.join() === wanted) ?? '0'
}

/** The fibres that the flags of a product tell of; undefined where they do not. */
export const fibresOfFlags = (flags: string | undefined): readonly number[] | undefined => SETS[flags?.[2] ?? '0']

import type { FlagSpec } from './types.js'

/**
 * A command line that can be read in one way only: flags by their full names or aliases, each followed by its values, as
 * scripts and other commands write them. Undefined for all else, right or wrong, which is left to yargs; that takes 9 ms
 * to load, a tenth of a small command.
 */
export function plainFlags(
  specs: Readonly<Record<string, FlagSpec>>,
  args: readonly string[],
): Record<string, true | string | string[]> | undefined {
  const names = new Map<string, string>()
  for (const [name, { alias }] of Object.entries(specs)) {
    names.set(`--${name}`, name)
    if (alias?.length === 1) names.set(`-${alias}`, name)
  }
  const given: Record<string, true | string | string[]> = {}
  for (let k = 0; k < args.length; ) {
    const name = names.get(args[k++]!)
    if (name === undefined) return undefined
    const from = k
    while (k < args.length && isPlainValue(args[k]!)) k++
    const values = args.slice(from, k)
    const { type } = specs[name]!
    if (type === 'list') {
      if (values.length === 0) return undefined
      given[name] = [...((given[name] as string[] | undefined) ?? []), ...values]
    } else {
      if (given[name] !== undefined || values.length !== (type === 'flag' ? 0 : 1)) return undefined
      given[name] = type === 'flag' ? true : values[0]!
    }
  }
  return given
}

/** A word that is no flag, and that yargs takes as it stands: it takes quotes off. */
const isPlainValue = (word: string) => word === '-' || /^[^-'"]/.test(word)

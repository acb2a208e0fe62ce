import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { type Provenance, productHeader } from '@nightpipe/command'
import { DataError } from '@nightpipe/files'
import { textOf } from '@nightpipe/fits'
import { describeCommand } from './describe.js'
import { configDifferences, differencesOf, sameBytes } from './differences.js'
import { type Ingredients, ingredientsOf, refuseTrouble, together } from './ingredients.js'
import { provenanceOf } from './provenance.js'
import { layOutRecipe } from './recipe.js'
import type { Search } from './search.js'
import { runToEnd } from './start.js'
import { TREE_ADVICE, treeOf } from './tree-product.js'

export interface Result {
  product: string
  state: 'same' | 'differs' | 'impossible'
  /** what differs, or why it cannot be remade */
  said: string[]
}

/** A run of a command in a scratch folder. */
interface Run {
  output: string
  /** the first line of what it had to say */
  said: string
}

interface Wanted {
  product: string
  made: Provenance
  parts: Ingredients
}

/** Remakes products; what one run gives serves all products that need the same one. */
export interface Workshop {
  remake(product: string): Promise<Result>
  /** Removes what was made. */
  close(): void
  readonly scratch: string
}

export function openWorkshop(products: readonly string[], search: Search, place: string): Workshop {
  mkdirSync(place, { recursive: true })
  const scratch = mkdtempSync(join(resolve(place), 'nightpipe-reproduce-'))
  const runs = new Map<string, Promise<Run>>()
  const wanted = new Map(products.map((product) => [product, wantedOf(product, search)]))
  const runOf = (made: Provenance, parts: Ingredients): Promise<Run> => {
    const words = [made.command, made.configText, ...[...parts.inputs].sort(), '', ...[...parts.others].sort()]
    for (const [flag, path] of Object.entries(parts.flagged)) words.push(flag, path)
    const key = createHash('sha256').update(words.join('\n')).digest('hex').slice(0, 12)
    const run = runs.get(key) ?? runAgain(join(scratch, key), made, parts)
    runs.set(key, run)
    return run
  }
  return {
    scratch,
    async remake(product) {
      const one = wanted.get(product)!
      if (one instanceof DataError) return withAdvice(impossible(product, one))
      let result: Result | undefined
      for (const parts of waysTo(one, [...wanted.values()], search)) {
        result = await compare(one, await runOf(one.made, parts))
        if (result.state === 'same') break
      }
      return withAdvice(result!)
    },
    close: () => rmSync(scratch, { recursive: true, force: true }),
  }
}

function wantedOf(product: string, search: Search): Wanted | DataError {
  try {
    const made = provenanceOf(product)
    if (!made) throw new DataError(`${product} is not a product of nightpipe: it carries no provenance`)
    const parts = ingredientsOf(product, made, search)
    refuseTrouble(product, parts)
    return { product, made, parts }
  } catch (error) {
    if (error instanceof DataError) return error
    throw error
  }
}

function impossible(product: string, { message, advice }: DataError): Result {
  return { product, state: 'impossible', said: [message + (advice ? ` (${advice})` : '')] }
}

/** Those of a tree cannot be remade alone, whatever else is the reason. */
function withAdvice(result: Result): Result {
  if (result.state !== 'impossible' || !treeOf(result.product)) return result
  return { ...result, said: [...result.said, TREE_ADVICE] }
}

/**
 * What to run to get a product again, the cheapest for a whole folder first: with the inputs of all its neighbours in
 * one run; with its own parents only; with all that the report beside it names, for commands whose products depend on
 * what else was given.
 */
function waysTo(one: Wanted, all: readonly (Wanted | DataError)[], search: Search): Ingredients[] {
  const neighbours = all.filter((other): other is Wanted => {
    if (other instanceof DataError || dirname(resolve(other.product)) !== dirname(resolve(one.product))) return false
    return other.made.command === one.made.command && other.made.configText === one.made.configText
  })
  const company = together(neighbours.map(({ parts }) => parts))
  const reported = search.reported(one.product, one.made.command).filter((path) => existsSync(path))
  const everything = together([one.parts, { inputs: reported, others: [], flagged: {}, trouble: [], renamed: {} }])
  return [...(company ? [company] : []), one.parts, ...(everything ? [everything] : [])]
}

async function runAgain(folder: string, made: Provenance, parts: Ingredients): Promise<Run> {
  mkdirSync(folder)
  const about = describeCommand(made.command)
  const recipe = await layOutRecipe(folder, made, about, parts)
  const { code, stderr } = await runToEnd(made.command, recipe.args, recipe.cwd)
  const said = stderr.trim().split('\n')[0] || `it ended with exit code ${code}`
  return { output: recipe.output, said: `${made.command} ${about.version}: ${said}` }
}

async function compare({ product, made }: Wanted, { output, said }: Run): Promise<Result> {
  const again = existsSync(output) ? productIn(output, product, made.id) : undefined
  if (!again) return { product, state: 'impossible', said: [`it is not made any more: ${said}`] }
  if (sameBytes(product, again)) return { product, state: 'same', said: [] }
  const after = provenanceOf(again)
  const older =
    after && after.version !== made.version ? [`made by version ${made.version}, this is ${after.version}`] : []
  const found = [...older, ...(after ? configDifferences(made, after) : []), ...differencesOf(product, again)]
  return { product, state: 'differs', said: found.length ? found : ['the same values, written with other bytes'] }
}

/** The file that is the product again: the one with its identity, whatever its name, else one of its name. */
function productIn(output: string, product: string, id: string): string | undefined {
  const files = readdirSync(output, { withFileTypes: true, recursive: true })
  const made = files
    .filter((entry) => entry.isFile() && /\.(fits|fz)$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .map((path) => ({ path, header: productHeader(path) }))
    .filter(({ header }) => header)
  const same = made.filter(({ header }) => textOf(header!, 'NP_ID') === id)
  const named = (list: typeof made) => list.find(({ path }) => basename(path) === basename(product))
  return (named(same) ?? same[0] ?? named(made))?.path
}

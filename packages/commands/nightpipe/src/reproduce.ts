import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { DataError, expandInputs } from '@nightpipe/files'
import { describeCommand } from './describe.js'
import { configDifferences, differencesOf, sameBytes } from './differences.js'
import { print } from './print.js'
import { provenanceOf } from './provenance.js'
import { ingredientsOf, layOutRecipe, refuseTrouble } from './recipe.js'
import { type Search, searchIn } from './search.js'
import { runToEnd } from './start.js'
import type { Verb } from './verb.js'

export const reproduce: Verb = {
  name: 'reproduce',
  usage: 'reproduce PATH… [--from DIR]… [--scratch DIR] [--keep] [--json]',
  summary: 'remake products from what they remember, and compare byte by byte',
  description: `Finds the parents of each product (as \`why\` does), runs its command again with the recorded configuration in a
scratch folder, and compares. PATH may be a folder: all products below it. Exit 0 when all are the same, 4 when one
differs (and what differs is said), 3 when one cannot be remade because a parent is missing or has changed.`,
  flags: {
    from: { type: 'string', multiple: true, placeholder: 'DIR', doc: 'where parents may be; can be repeated' },
    scratch: { type: 'string', placeholder: 'DIR', doc: 'where to work (default: the temporary folder)' },
    keep: { type: 'boolean', doc: 'leave the scratch folder, and say where it is' },
    json: { type: 'boolean', doc: 'one JSON object a line' },
  },
  words: { least: 1, most: Number.POSITIVE_INFINITY },
  async run({ words, flags }) {
    const products = expandInputs(words).filter(({ path, shown }) => words.includes(shown) || provenanceOf(path))
    if (products.length === 0) throw new DataError(`no products of nightpipe in ${words.join(', ')}`)
    const search = searchIn((flags.from as string[] | undefined) ?? [])
    const place = (flags.scratch as string | undefined) ?? tmpdir()
    const results: Result[] = []
    for (const { shown } of products) {
      const result = await attempt(shown, search, place, flags.keep === true)
      results.push(result)
      print(flags.json ? `${JSON.stringify(result)}\n` : textOf(result))
    }
    if (results.some(({ state }) => state === 'differs')) return 4
    return results.some(({ state }) => state === 'impossible') ? 3 : 0
  },
}

interface Result {
  product: string
  state: 'same' | 'differs' | 'impossible'
  differences: string[]
  scratch?: string
}

const MOST_LINES = 20

function textOf({ product, state, differences, scratch }: Result): string {
  const head = { same: 'the same, byte for byte', differs: 'differs', impossible: 'cannot be remade' }[state]
  const more = differences.length > MOST_LINES ? [`… ${differences.length - MOST_LINES} more (--json has all)`] : []
  const lines = [
    `${product}: ${head}`,
    ...differences.slice(0, MOST_LINES).map((line) => `  ${line}`),
    ...more.map((m) => `  ${m}`),
  ]
  return [...lines, ...(scratch ? [`  remade in ${scratch}`] : [])].map((line) => `${line}\n`).join('')
}

async function attempt(product: string, search: Search, place: string, keep: boolean): Promise<Result> {
  mkdirSync(place, { recursive: true })
  const scratch = mkdtempSync(join(resolve(place), 'nightpipe-reproduce-'))
  try {
    const differences = await remake(product, search, scratch)
    return { product, state: differences.length ? 'differs' : 'same', differences, ...(keep ? { scratch } : {}) }
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    const said = error.message + (error.advice ? ` (${error.advice})` : '')
    return { product, state: 'impossible', differences: [said], ...(keep ? { scratch } : {}) }
  } finally {
    if (!keep) rmSync(scratch, { recursive: true, force: true })
  }
}

/** Returns what differs; nothing when the bytes are the same. */
async function remake(product: string, search: Search, scratch: string): Promise<string[]> {
  const before = provenanceOf(product)
  if (!before) throw new DataError(`${product} is not a product of nightpipe: it carries no provenance`)
  const parts = ingredientsOf(product, before, search)
  refuseTrouble(product, parts)
  const about = await describeCommand(before.command)
  const recipe = await layOutRecipe(scratch, before, about, parts)
  const { code, stderr } = await runToEnd(before.command, recipe.args, recipe.cwd)
  const again = existsSync(recipe.output) ? fileBelow(recipe.output, basename(product)) : undefined
  if (!again) {
    const said = stderr.trim().split('\n')[0] || `exit ${code}`
    throw new DataError(`${before.command} ${about.version} does not make ${basename(product)} any more: ${said}`)
  }
  if (sameBytes(product, again)) return []
  const after = provenanceOf(again)
  const version =
    after && after.version !== before.version ? [`made by version ${before.version}, this is ${after.version}`] : []
  const found = [...version, ...(after ? configDifferences(before, after) : []), ...differencesOf(product, again)]
  return found.length ? found : ['the same values, written with other bytes']
}

function fileBelow(folder: string, name: string): string | undefined {
  const found = readdirSync(folder, { withFileTypes: true, recursive: true }).find((e) => e.isFile() && e.name === name)
  return found && join(found.parentPath ?? found.path, found.name)
}

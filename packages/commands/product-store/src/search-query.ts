import { CARD_COLUMNS, type Criterion, OPERATORS, PRODUCT_COLUMNS } from '@nightpipe/store'
import { Refusal } from './refusal.js'

/** What `s=101&a=1;2;3&c=5::eq::GFT` asks for: columns by their numbers, conditions on them. */
export interface SearchQuery {
  columns: string[]
  criteria: Criterion[]
}

export const COLUMNS = { sp_cards: CARD_COLUMNS, products: PRODUCT_COLUMNS } as const
export type Collection = keyof typeof COLUMNS

/** The one collection of sources that there is. */
const SOURCE = '101'

/** Reads a search; `c` may come several times, and all must hold. Columns may be named instead of numbered. */
export function readSearch(
  collection: Collection,
  given: { s?: string | string[]; a?: string | string[]; c?: string | string[] },
): SearchQuery {
  const [s, a] = [given.s, given.a].map((said) => (Array.isArray(said) ? said.join(';') : said))
  if (s !== undefined && s !== SOURCE) throw new Refusal(400, `s=${s}: there is only ${SOURCE}`)
  const all: readonly string[] = COLUMNS[collection]
  const columnOf = (said: string) => {
    const name = /^\d+$/.test(said) ? all[Number(said) - 1] : all.find((one) => one === said)
    if (name === undefined) throw new Refusal(400, `no column ${said}: there are 1 to ${all.length}, ${all.join(', ')}`)
    return name
  }
  const columns =
    a === undefined || a === ''
      ? [...all]
      : a
          .split(';')
          .filter((word) => word !== '')
          .map(columnOf)
  const conditions = [given.c ?? []].flat()
  const criteria = conditions.map((condition) => {
    const [column = '', operator = '', ...rest] = condition.split('::')
    if (!Object.hasOwn(OPERATORS, operator) || rest.length === 0)
      throw new Refusal(400, `c=${condition} is not column::operator::value (${Object.keys(OPERATORS).join(', ')})`)
    const [name, value] = [columnOf(column), rest.join('::')]
    if (['id', 'version'].includes(name) && !/^-?\d{1,15}$/.test(value))
      throw new Refusal(400, `c=${condition}: ${name} is a whole number`)
    return { column: name, operator: operator as Criterion['operator'], value }
  })
  return { columns, criteria }
}

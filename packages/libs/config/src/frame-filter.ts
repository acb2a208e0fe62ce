import { type NameFacts, nameWins } from './file-name.js'
import { aliasOf, asText, firstOf, matchesWord, type Reader, saidBy } from './reader.js'

/** The filter in our words: 'clear' where there is none, wheels in series joined by '+'. */
export function frameFilter(reader: Reader, name: NameFacts): string | undefined {
  const { keywords, conventions, filters } = reader.profile.values
  const isClear = (word: string) => conventions.clear.some((clear) => matchesWord(word, clear))
  const ours = (word: string) => {
    const alias = aliasOf(filters, word)
    return isClear(alias) ? 'clear' : alias
  }
  const told = (value: string | undefined, source: string) => {
    if (value !== undefined) reader.credit('filter', source)
    return value
  }
  const imposed = saidBy(reader, 'override', 'filter')
  if (imposed !== undefined) return told(imposed, 'override')
  if (name.filter !== undefined && nameWins(reader, 'filter')) return told(ours(name.filter), 'file name')
  // NONE in a filter keyword is a filter wheel without filter, other texts for "no value" are none.
  const read = (source: string) => {
    const word = asText(reader.value(source)) ?? asText(reader.written(source))
    return word !== undefined && (reader.value(source) !== undefined || isClear(word)) ? word : undefined
  }
  const said = firstOf(reader, keywords.filter, read)
  if (said) return told(ours(said.value), said.source)
  const wheels = keywords['filter wheels'].filter((source) => read(source) !== undefined)
  const used = wheels.map((source) => ours(read(source)!)).filter((word) => word !== 'clear')
  if (wheels.length) return told(used.length ? used.join('+') : 'clear', wheels.join(', '))
  if (name.filter === undefined) return told(saidBy(reader, 'assume', 'filter'), 'assumed')
  reader.note(`filter ${name.filter} from the file name`)
  return told(ours(name.filter), 'file name')
}

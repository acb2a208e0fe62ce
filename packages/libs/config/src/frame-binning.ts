import { asNumber, asText, firstOf, type Reader, saidBy } from './reader.js'

/** '2x2', '2 2', '2,2' or 2; each axis at least 1. */
function parseBinning(text: string | undefined): [number, number] | undefined {
  const match = /^\D*(\d+)(?:\s*[x*, ]\s*(\d+))?\D*$/i.exec(text ?? '')
  const pair = match && ([Number(match[1]), Number(match[2] ?? match[1])] as [number, number])
  return pair?.every((n) => n >= 1 && n <= 64) ? pair : undefined
}

/** The binning along x and y: one keyword for both, else one for each axis, else none. */
export function frameBinning(reader: Reader): [number, number] {
  const { keywords } = reader.profile.values
  const imposed = parseBinning(saidBy(reader, 'override', 'binning'))
  if (imposed) {
    reader.credit('binning', 'override')
    return imposed
  }
  const both = firstOf(reader, keywords.binning, (source) => parseBinning(asText(reader.value(source))))
  if (both) {
    reader.credit('binning', both.source)
    return both.value
  }
  const axis = (sources: string[]) =>
    firstOf(reader, sources, (source) => {
      const value = asNumber(reader.value(source))
      return value !== undefined && value >= 1 && Number.isInteger(value) ? value : undefined
    })
  const [x, y] = [axis(keywords['binning x']), axis(keywords['binning y'])]
  if (x || y) {
    reader.credit('binning', [x, y].flatMap((found) => found?.source ?? []).join(', '))
    return [(x ?? y)!.value, (y ?? x)!.value]
  }
  reader.credit('binning', 'assumed')
  return parseBinning(saidBy(reader, 'assume', 'binning')) ?? [1, 1]
}

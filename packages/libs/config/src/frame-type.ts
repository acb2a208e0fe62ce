import { type NameFacts, nameWins } from './file-name.js'
import { FRAME_TYPES, type FrameType } from './profile-schema.js'
import { asText, matchesWord, type Reader, saidBy } from './reader.js'

const isType = (word: string | undefined): word is FrameType => FRAME_TYPES.some((type) => type === word)

/**
 * What kind of frame this is: the header's type keyword in the profile's words, else the file name, the name of the
 * object or a zero exposure, each with a note.
 */
export function frameType(
  reader: Reader,
  name: NameFacts,
  object: string | undefined,
  exposure: number | undefined,
): FrameType {
  const imposed = saidBy(reader, 'override', 'type')
  if (isType(imposed)) return told(reader, imposed, 'override')
  const { keywords } = reader.profile.values
  const said = keywords.type.flatMap((source) => {
    const value = asText(reader.value(source))
    return value === undefined ? [] : [{ source, value, type: typeOfWords(reader, value) }]
  })
  const known = said.find(({ type }) => type !== undefined)
  const byHeader = known?.type
  if (name.type && nameWins(reader, 'type')) {
    if (known && byHeader !== name.type) reader.note(`the file name says ${name.type}, ${known.source} ${known.value}`)
    return told(reader, name.type, 'file name')
  }
  if (known?.type) return told(reader, known.type, known.source)
  const odd = said[0]
  if (odd) reader.note(`${odd.source} = '${odd.value}' is no type that the profile knows`)
  return guessedType(reader, name, object, exposure)
}

function told(reader: Reader, type: FrameType, source: string): FrameType {
  reader.credit('type', source)
  return type
}

function guessedType(
  reader: Reader,
  name: NameFacts,
  object: string | undefined,
  exposure: number | undefined,
): FrameType {
  const byObject = object === undefined ? undefined : calibrationNamed(reader, object)
  if (byObject) {
    reader.note(`type ${byObject} from the object's name '${object}'`)
    return told(reader, byObject, 'object')
  }
  if (name.type) {
    reader.note(`type ${name.type} from the file name`)
    return told(reader, name.type, 'file name')
  }
  if (exposure === 0) {
    reader.note('type bias from the zero exposure time')
    return told(reader, 'bias', 'exposure')
  }
  const assumed = saidBy(reader, 'assume', 'type')
  if (isType(assumed)) return told(reader, assumed, 'assumed')
  if (object !== undefined && exposure !== undefined) {
    reader.note('type object, for a frame with an object and an exposure time')
    return told(reader, 'object', 'object')
  }
  return 'unknown'
}

/** The type that a value such as 'Bias Frame', 'flat,lamp' or 'SKYFLAT' means: by the whole of it, then by its words. */
function typeOfWords(reader: Reader, value: string): FrameType | undefined {
  const { types } = reader.profile.values
  const plain = (text: string) => text.replace(/[^a-z0-9*]+/gi, '')
  const candidates = [plain(value), ...value.split(/[^a-z0-9]+/i).filter(Boolean)]
  for (const candidate of candidates) {
    const type = FRAME_TYPES.find((type) => types[type].some((word) => matchesWord(candidate, plain(word))))
    if (type) return type
  }
  return undefined
}

/** A calibration, where the object is called like one: 'Bias', 'flat R', 'dark 60s' but not 'Dark nebula'. */
function calibrationNamed(reader: Reader, object: string): FrameType | undefined {
  const words = object.split(/[^a-z0-9]+/i).filter(Boolean)
  if (!words.slice(1).every((word) => word.length <= 3 || typeOfWords(reader, word))) return undefined
  const type = typeOfWords(reader, words[0] ?? '')
  return type === 'object' || type === 'focus' ? undefined : type
}

import { readRecord, type SensorRecord } from './record.js'

/** A record that was set aside. */
export interface SetAside {
  /** its place in the list, from 1; 0 for the whole text */
  place: number
  name?: string
  reasons: string[]
}

export interface Envelope {
  /** who made it, where it says so */
  producer?: string
  records: SensorRecord[]
  setAside: SetAside[]
}

/** The keys under which lists of records are found. */
const LISTS = ['sensor', 'sensors', 'device', 'devices'] as const

/**
 * The records of a JSON text: a bare list, an object with `sensor` (frame_model 1.0), or the older one with `device`. Records that
 * are none are set aside with the reasons; the others stand. The same name twice at the same moment is an error of its maker.
 */
export function readEnvelope(text: string): Envelope {
  const json = parsed(text)
  if ('reason' in json) return { records: [], setAside: [{ place: 0, reasons: [json.reason] }] }
  const found = listOf(json.value)
  if (!found) {
    const reasons = ['neither a list of records nor an object with sensor or device']
    return { records: [], setAside: [{ place: 0, reasons }] }
  }
  const records: SensorRecord[] = []
  const setAside: SetAside[] = []
  const seen = new Map<string, SensorRecord>()
  found.list.forEach((one, k) => {
    const { record, problems } = readRecord(one)
    const name = nameIn(one)
    if (!record) {
      setAside.push({ place: k + 1, ...(name ? { name } : {}), reasons: problems })
      return
    }
    const key = `${record.name}\0${record.date}`
    const before = seen.get(key)
    if (before === undefined) {
      seen.set(key, record)
      records.push(record)
    } else if (JSON.stringify(before) !== JSON.stringify(record))
      setAside.push({ place: k + 1, name: record.name, reasons: [`a second ${record.name} at ${record.date}`] })
  })
  return { ...(found.producer ? { producer: found.producer } : {}), records, setAside }
}

function parsed(text: string): { value: unknown } | { reason: string } {
  try {
    return { value: JSON.parse(text.replace(/^\ufeff/, '')) }
  } catch (error) {
    return { reason: `not JSON: ${(error as Error).message}` }
  }
}

function listOf(json: unknown): { list: unknown[]; producer?: string } | undefined {
  if (Array.isArray(json)) return { list: json }
  if (typeof json !== 'object' || json === null) return undefined
  const object = json as Record<string, unknown>
  const producer = typeof object.producer_name === 'string' ? object.producer_name : undefined
  for (const key of LISTS) {
    const list = object[key]
    if (Array.isArray(list)) return { list, ...(producer ? { producer } : {}) }
    // Some suppliers give one record without a list around it.
    if (typeof list === 'object' && list !== null && !Array.isArray(list))
      return { list: [list], ...(producer ? { producer } : {}) }
  }
  return undefined
}

const nameIn = (one: unknown) => {
  const name = (one as { name?: unknown } | null)?.name
  return typeof name === 'string' && name !== '' ? name : undefined
}

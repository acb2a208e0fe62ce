import { mjdOf, type SensorRecord } from './record.js'

/** Records of one supplier. */
export interface Supply {
  supplier: string
  records: readonly SensorRecord[]
}

export interface MergeOptions {
  /** MJD (UTC) for which the state is made */
  now: number
  /** older than this, a record is stale: it is kept, and marked */
  staleSeconds: number
  /** further ahead of `now` than this, a clock is wrong: the record is set aside */
  aheadSeconds: number
}

/** The newest record of a sensor, and who sent it. */
export interface Merged {
  record: SensorRecord
  supplier: string
  ageSeconds: number
  stale: boolean
}

export interface MergeResult {
  /** by name */
  merged: Merged[]
  setAside: { supplier: string; name: string; reason: string }[]
}

const DAY = 86400

/** The newest record of each sensor, whatever the order in which the suppliers come. */
export function mergeRecords(
  supplies: readonly Supply[],
  { now, staleSeconds, aheadSeconds }: MergeOptions,
): MergeResult {
  const newest = new Map<string, Merged>()
  const setAside: MergeResult['setAside'] = []
  const bySupplier = [...supplies].sort((a, b) => (a.supplier < b.supplier ? -1 : a.supplier > b.supplier ? 1 : 0))
  for (const { supplier, records } of bySupplier) {
    for (const record of records) {
      const ageSeconds = (now - mjdOf(record)!) * DAY
      if (-ageSeconds > aheadSeconds) {
        const reason = `its date ${record.date} is ${Math.round(-ageSeconds)} s ahead: the clock of ${supplier} is wrong`
        setAside.push({ supplier, name: record.name, reason })
        continue
      }
      const before = newest.get(record.name)
      const one = { record, supplier, ageSeconds, stale: ageSeconds > staleSeconds }
      if (!before || isBetter(one, before)) newest.set(record.name, one)
    }
  }
  const merged = [...newest.values()].sort((a, b) => (a.record.name < b.record.name ? -1 : 1))
  return { merged, setAside }
}

/** Newer, or as new and without an error where the other has one. */
function isBetter(a: Merged, b: Merged): boolean {
  if (a.ageSeconds !== b.ageSeconds) return a.ageSeconds < b.ageSeconds
  return a.record.error_code === 0 && b.record.error_code !== 0
}

/** A place at a time. */
export interface Seen {
  x: number
  y: number
  /** Hours. */
  time: number
  /** Which frame shows it. */
  epoch: string
}

export interface Track {
  /** Which of the places, in the order of time. */
  members: number[]
  /** Place at the time of the first, and motion, px per hour. */
  x: number
  y: number
  vx: number
  vy: number
  rms: number
}

export interface TrackOptions {
  /** px per hour. */
  fastest: number
  /** px. */
  tolerance: number
  epochs: number
}

/**
 * Objects that move evenly: places in several epochs on one line, at the right times. Those of most epochs are taken
 * first, and of as many those that fit best; no place belongs to two.
 */
export function findTracks(places: readonly Seen[], { fastest, tolerance, epochs }: TrackOptions): Track[] {
  const order = Array.from(places.keys()).sort((a, b) => places[a]!.time - places[b]!.time || a - b)
  const free = new Set(order)
  const tracks: Track[] = []
  for (;;) {
    let best: Track | undefined
    for (const i of order) {
      for (const j of order) {
        const [a, b] = [places[i]!, places[j]!]
        const hours = b.time - a.time
        if (!free.has(i) || !free.has(j) || !(hours > 0) || a.epoch === b.epoch) continue
        const distance = Math.hypot(b.x - a.x, b.y - a.y)
        // what stays is no mover
        if (distance > fastest * hours || distance < 3 * tolerance) continue
        const track = follow(places, order, free, a, b, tolerance)
        if (track.members.length < epochs) continue
        const better = !best || track.members.length > best.members.length
        if (better || (track.members.length === best!.members.length && track.rms < best!.rms)) best = track
      }
    }
    if (!best) return tracks
    for (const member of best.members) free.delete(member)
    tracks.push(best)
  }
}

/** In each epoch the free place nearest to the line through two. */
function follow(
  places: readonly Seen[],
  order: readonly number[],
  free: ReadonlySet<number>,
  a: Seen,
  b: Seen,
  tolerance: number,
): Track {
  const hours = b.time - a.time
  const [vx, vy] = [(b.x - a.x) / hours, (b.y - a.y) / hours]
  const nearest = new Map<string, { member: number; away: number }>()
  for (const k of order) {
    if (!free.has(k)) continue
    const { x, y, time, epoch } = places[k]!
    const away = Math.hypot(x - a.x - vx * (time - a.time), y - a.y - vy * (time - a.time))
    if (away <= tolerance && away < (nearest.get(epoch)?.away ?? Infinity)) nearest.set(epoch, { member: k, away })
  }
  const found = [...nearest.values()].sort((p, q) => places[p.member]!.time - places[q.member]!.time)
  const rms = Math.sqrt(found.reduce((sum, { away }) => sum + away * away, 0) / Math.max(1, found.length))
  return { members: found.map(({ member }) => member), x: a.x, y: a.y, vx, vy, rms }
}

// Sources that would not have been found without their brighter neighbours (Bertin & Arnouts 1996, A&AS 117, 393).
import { Source } from './isophote'

/** Wings are followed over so many times the semi-axes of the two sources together. */
const REACH: f64 = 10
/** Profiles are kept by cells of so many pixels. */
const CELL: f64 = 32

/** The wings of a source: a Moffat profile that falls to its limit where its isophote ends. */
@unmanaged
class Profile {
  x: f64
  y: f64
  a: f64
  xx: f64
  yy: f64
  xy: f64
  amplitude: f64
}

// Of each cell `newest` holds the newest entry of its list, or -1; an entry is the number of a profile and the next entry.
let newest: usize = 0
let entries: usize = 0
let used = 0
let columns = 0
let rows = 0
let power: f64 = 1

/** The most entries that the wings of `count` sources can take in a grid of cells. */
export function wingRoom(sources: usize, count: i32, across: i32, down: i32): i32 {
  let room = 0
  for (let i = 0; i < count; i++) {
    const side = (4 * REACH * sourceAt(sources, i).a) / CELL + 2
    const most = <f64>(across * down)
    room += side > 0 ? <i32>min<f64>(most, min<f64>(<f64>across, side) * min<f64>(<f64>down, side)) : 0
  }
  return room
}

/**
 * Marks in `removed` (bytes) the sources that the wings of a brighter one eat. `profiles` holds 56 bytes a source,
 * `cells` int32 a cell, `lists` 8 bytes for each entry that there may be, `order` two int32 a source.
 */
export function cleanSources(
  sources: usize, count: i32, exponent: f64, across: i32, down: i32, profiles: usize, cells: usize, lists: usize,
  order: usize, removed: usize,
): void {
  newest = cells
  entries = lists
  used = 0
  columns = across
  rows = down
  power = exponent
  memory.fill(cells, 255, (<usize>(across * down)) << 2)
  const sorted = brightestFirst(sources, count, order)
  let known = 0
  for (let k = 0; k < count; k++) {
    const i = load<i32>(sorted + ((<usize>k) << 2))
    const source = sourceAt(sources, i)
    const eaten = isEaten(source, profiles)
    store<u8>(removed + <usize>i, eaten ? 1 : 0)
    if (!eaten) addWings(source, profiles, known++)
  }
}

// @ts-ignore: decorator
@inline
function sourceAt(sources: usize, i: i32): Source {
  return changetype<Source>(sources + <usize>i * offsetof<Source>())
}

// @ts-ignore: decorator
@inline
function isBefore(sources: usize, p: i32, q: i32): bool {
  const a = sourceAt(sources, p).filteredFlux
  const b = sourceAt(sources, q).filteredFlux
  return a > b || (!(a < b) && p < q)
}

/** The numbers of the sources by falling flux: merged from runs of 1, 2, 4 …, from one half of `order` to the other. */
function brightestFirst(sources: usize, count: i32, order: usize): usize {
  let from = order
  let to = order + ((<usize>count) << 2)
  for (let i = 0; i < count; i++) store<i32>(from + ((<usize>i) << 2), i)
  for (let run = 1; run < count; run *= 2) {
    for (let start = 0; start < count; start += 2 * run) {
      const middle = min<i32>(count, start + run)
      const end = min<i32>(count, start + 2 * run)
      let a = start
      let b = middle
      for (let k = start; k < end; k++) {
        const p = load<i32>(from + ((<usize>a) << 2))
        const q = load<i32>(from + ((<usize>b) << 2))
        const first = a < middle && (b >= end || isBefore(sources, p, q))
        store<i32>(to + ((<usize>k) << 2), first ? p : q)
        if (first) a++
        else b++
      }
    }
    const other = from
    from = to
    to = other
  }
  return from
}

/** Whether the wings of a brighter source hold more light at a source than it has above its limit. */
function isEaten(source: Source, profiles: usize): bool {
  const i = Math.floor(source.x / CELL)
  const j = Math.floor(source.y / CELL)
  // a place that is no number, of infinite light, is in no cell
  if (!(i >= 0 && j >= 0 && i < <f64>columns && j < <f64>rows)) return false
  const held = source.held - source.limit
  let e = load<i32>(newest + ((<usize>(<i32>j * columns + <i32>i)) << 2))
  while (e >= 0) {
    const entry = entries + ((<usize>e) << 3)
    const profile = changetype<Profile>(profiles + <usize>load<i32>(entry) * offsetof<Profile>())
    if (lightAt(profile, source.x, source.y, source.a) > held) return true
    e = load<i32>(entry, 4)
  }
  return false
}

/** A source that wings eat is fainter, and seldom larger. */
function addWings(source: Source, profiles: usize, number: i32): void {
  setProfile(changetype<Profile>(profiles + <usize>number * offsetof<Profile>()), source)
  const reach = REACH * 2 * source.a
  const left = max<f64>(0, Math.floor((source.x - reach) / CELL))
  const low = max<f64>(0, Math.floor((source.y - reach) / CELL))
  const right = min<f64>(<f64>(columns - 1), Math.floor((source.x + reach) / CELL))
  const high = min<f64>(<f64>(rows - 1), Math.floor((source.y + reach) / CELL))
  for (let v = low; v <= high; v++) {
    for (let u = left; u <= right; u++) {
      const cell = newest + ((<usize>(<i32>v * columns + <i32>u)) << 2)
      store<i32>(entries + ((<usize>used) << 3), number)
      store<i32>(entries + ((<usize>used) << 3), load<i32>(cell), 4)
      store<i32>(cell, used++)
    }
  }
}

function setProfile(profile: Profile, source: Source): void {
  const unit = Math.PI * source.a * source.b
  const amplitude = source.filteredFlux / (2 * unit * insideIsophote(source))
  const above = max<f64>(amplitude / source.limit, 1)
  const alpha = (((power == 1 ? above : Math.pow(above, 1 / power)) - 1) * unit) / source.area
  profile.x = source.x
  profile.y = source.y
  profile.a = source.a
  profile.xx = alpha * source.xx
  profile.yy = alpha * source.yy
  profile.xy = alpha * source.xy
  profile.amplitude = amplitude
}

/** The part of a Gaussian that its isophote holds, told by how its area shrinks towards the peak. */
function insideIsophote(source: Source): f64 {
  const ratio = (2 * source.limit) / (source.limit + source.filteredPeak)
  let shrink = min<f64>(source.upper - source.area, 0)
  if (!(shrink < 0)) shrink = -1
  return min<f64>(shrink / (2 * Math.PI * Math.log(min<f64>(ratio, 0.99)) * source.a * source.b), 1)
}

function lightAt(profile: Profile, x: f64, y: f64, a: f64): f64 {
  const dx = x - profile.x
  const dy = y - profile.y
  const reach = REACH * (profile.a + a)
  if (dx * dx + dy * dy > reach * reach) return 0
  const fall = 1 + profile.xx * dx * dx + profile.yy * dy * dy + profile.xy * dx * dy
  return power == 1 ? profile.amplitude / fall : profile.amplitude * Math.pow(fall, -power)
}

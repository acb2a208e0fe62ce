// Traces against the truth of simulated spectrographs: found without any prior, then refined on the flats of the night, raw as
// they come from the detector.
import { join } from 'node:path'
import { hasTrace, traceY } from '@nightpipe/spectra'
import { readTraces } from '@nightpipe/spectrographs'
import { echelleNight } from './echelle-nights.mjs'
import { traceBounds } from './trace-bound.mjs'
import { attempt, line } from './verdict.mjs'
import { productsIn, setting } from './workshop.mjs'

const GROUP = 'Echelle traces: found without a prior, refined on raw flats'
const FLATS_ONLY = { 'bias.count': 0, 'dark.count': 0, 'arc.count': 0, 'star.frames': 0 }
/** Where so little light falls on so few pixels that its noise counts: what any polynomial could reach is told. */
const BOUNDED = ['small', 'teaching']

export function echelleTraces(shop, { cases }) {
  const quick = cases === 1
  const presets = quick ? ['small', 'teaching'] : ['small', 'teaching', 'medium', 'nres']
  return presets.flatMap((preset) =>
    attempt(GROUP, preset, () => {
      const told = BOUNDED.includes(preset) ? 'full' : 'tables'
      const night = echelleNight(shop, preset, { ...FLATS_ONLY, 'files.truth': told }, `echelle-traces-${preset}`)
      const profile = setting({ 'instrument.profile': preset === 'nres' ? 'nres' : `echelle-${preset}` })
      const frames = night.flat.map(({ path }) => path)
      const [found, refined] = [shop.path(`traces0-${preset}`), shop.path(`traces-${preset}`)]
      shop.run('trace0', ['-s', ...frames, '-r', found, '--quiet', ...profile])
      const first = join(found, productsIn(found)[0])
      shop.run('trace-refine', ['-s', ...frames, '-r', refined, '--traces', first, '--quiet', ...profile])
      return compare(preset, night, readTraces(first), readTraces(join(refined, productsIn(refined)[0])))
    }),
  )
}

function compare(preset, night, first, refined) {
  const name = `${preset} (${night.along} px, ${night.orders} orders, ${night.fibres} fibres, ${night.flat.length} flats)`
  const height = first.height
  const truth = meanTraces(night)
  const visible = visibleOrders(night, truth, height)
  const start = orderOfFirst(night, truth, first)
  const missing = visible.filter((order) => order < start || order >= start + first.orders).length
  const extra = first.orders - (visible.at(-1) - visible[0] + 1) + missing
  const [a, b] = [first, refined].map((traces) => distances(night, truth, traces, start))
  return [
    line(GROUP, `${name}: orders missing or too many`, missing + Math.abs(extra), { limit: { most: 0 } }),
    line(GROUP, `${name}: found traces, rms`, a.total, { limit: { most: 0.1 }, unit: ' px' }),
    line(GROUP, `${name}: refined traces, median of the orders' rms`, b.median, {
      ...{ limit: { most: 0.002 }, target: { most: 0.001 }, unit: ' px' },
    }),
    line(GROUP, `${name}: refined traces, rms of all`, b.total, { target: { most: 0.001 }, unit: ' px' }),
    ...(BOUNDED.includes(preset) ? boundLines(name, night, refined, b.places) : []),
  ]
}

/** What light and pixels allow a polynomial of as many terms, its profile known. */
function boundLines(name, night, { terms }, places) {
  const bounds = traceBounds(night, places, terms).sort((a, b) => a - b)
  const total = Math.sqrt(bounds.reduce((sum, one) => sum + one * one, 0) / bounds.length)
  return [
    line(GROUP, `${name}: what light and pixels allow, median of the orders`, bounds[bounds.length >> 1], {
      unit: ' px',
    }),
    line(GROUP, `${name}: what light and pixels allow, rms of all`, total, { unit: ' px' }),
  ]
}

/** Of each fibre the mean over the flats that light it: the image drifts from flat to flat. */
function meanTraces(night) {
  const { along, orders, fibres } = night
  const lit = (frame, fibre) => fibres === 1 || frame.objects.split('&')[fibre] !== 'none'
  const own = Array.from({ length: fibres }, (_, fibre) => {
    const flats = night.flat.filter((frame) => lit(frame, fibre))
    return flats.reduce((sum, frame) => sum + Number(frame.drift_across_px), 0) / flats.length
  })
  const still = night.traces()
  return (order, fibre, x) => still[x + along * (order + orders * fibre)] + own[fibre]
}

/** Orders of which an eighth and more lies on the detector. */
function visibleOrders({ along, orders, fibres }, truth, height) {
  return Array.from({ length: orders }, (_, order) => order).filter((order) => {
    let most = 0
    for (let fibre = 0; fibre < fibres; fibre++) {
      let inside = 0
      for (let x = 0; x < along; x++) if (truth(order, fibre, x) > 4 && truth(order, fibre, x) < height - 5) inside++
      most = Math.max(most, inside / along)
    }
    return most > 0.125
  })
}

/** The true order that the lowest found one is. */
function orderOfFirst({ along, orders, fibres }, truth, traces) {
  const fibre = Math.min(1, fibres - 1)
  const [x, middle] = [along >> 1, traces.orders >> 1]
  const y = traceY(traces, middle, fibre, x)
  let best = 0
  for (let order = 0; order < orders; order++) {
    if (Math.abs(truth(order, fibre, x) - y) < Math.abs(truth(best, fibre, x) - y)) best = order
  }
  return best - middle
}

function distances({ along, orders, fibres }, truth, traces, start) {
  const all = []
  const places = []
  for (let order = 0; order < orders; order++) {
    for (let fibre = 0; fibre < fibres; fibre++) {
      const own = order - start
      if (own < 0 || own >= traces.orders || !hasTrace(traces, own, fibre)) continue
      const at = own * traces.fibres + fibre
      let [sum, n] = [0, 0]
      for (let x = traces.first[at]; x <= Math.min(along - 1, traces.last[at]); x++) {
        sum += (traceY(traces, own, fibre, x) - truth(order, fibre, x)) ** 2
        n++
      }
      if (n === 0) continue
      all.push(Math.sqrt(sum / n))
      places.push({ order, fibre, first: traces.first[at], last: Math.min(along - 1, traces.last[at]) })
    }
  }
  all.sort((a, b) => a - b)
  const total = Math.sqrt(all.reduce((sum, value) => sum + value * value, 0) / all.length)
  return { median: all[all.length >> 1], total, places }
}

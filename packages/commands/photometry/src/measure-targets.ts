import type { Frame } from '@nightpipe/image'
import { fitPsfFluxes, measureApertures } from '@nightpipe/stars'
import { type Calibration, instrumental, MAG } from './calibrate.js'
import type { PhotFacts } from './frame-facts.js'
import type { FrameMeasures } from './measure-frame.js'
import type { Config } from './schema.js'
import type { Target } from './targets.js'

/** What a frame says of a target. */
export interface TargetMeasure {
  name: string
  x: number
  y: number
  ra?: number
  dec?: number
  flux: number
  fluxError: number
  psfFlux?: number
  psfFluxError?: number
  magnitude?: number
  magnitudeError?: number
  limit?: number
  flags: number
}

/** Where the targets stand in a frame; those that its plate solution does not show, or that lie outside, are left out. */
export function placeTargets(targets: readonly Target[], facts: PhotFacts, { width, height }: Frame) {
  return targets.flatMap(({ name, ra, dec, x, y }) => {
    const place = ra === undefined || dec === undefined ? ([x, y] as const) : facts.wcs?.toPixel(ra, dec)
    const [px, py] = place ?? []
    if (px === undefined || py === undefined || !(px > -0.5 && py > -0.5 && px < width - 0.5 && py < height - 0.5))
      return []
    const [right, declination] = ra === undefined ? (facts.wcs?.toSky(px, py) ?? []) : [ra, dec]
    return [{ name, x: px, y: py, ra: right, dec: declination }]
  })
}

/** The scatter of some hundred fits is off by less. */
const CHANCE = 1.1

/**
 * Forced photometry: the flux at each place, whatever is there, in the circle and by the profile. The stars beside it are
 * fitted along and subtracted from the circle; what of it is bad or off the frame is reckoned by the profile. Below the
 * significance a target has no magnitude but a limit: its flux, where positive, and so many sigma over it.
 */
export function measureTargets(
  frame: Frame,
  measures: FrameMeasures,
  facts: PhotFacts,
  calibration: Calibration | undefined,
  targets: readonly Target[],
  config: Config,
): TargetMeasure[] {
  const placed = placeTargets(targets, facts, frame)
  const places = { x: placed.map(({ x }) => x), y: placed.map(({ y }) => y) }
  const { circles, chosen, growth, found, owner, gain, psf, fitScale } = measures
  const radii = [circles.radii[chosen]!]
  const ring = config.aperture.sky === 'ring' ? config.aperture.ring.map((r) => r * measures.width) : undefined
  const fit = psf && fitForced(frame, measures, places)
  const sums = measureApertures(frame, found, owner, places, {
    ...{ radii, gain, ring: ring as [number, number] | undefined, psf },
    alone: fit && { residual: fit.residual, own: (place) => fit.subtracted[place] },
  })
  const { emptyScatter: scatter, fitScatter, fitNoise } = measures.limits
  // likewise for fits: their errors take the pixels for independent
  const shared = fitScatter > CHANCE * fitNoise ? fitScatter ** 2 - fitNoise ** 2 : 0
  return placed.map((place, i) => {
    const part = growth.part(chosen, place.x, place.y)
    const flux = sums.flux[0]![i]! / part
    // the noise of empty circles has what neighbouring pixels share
    const fluxError = Math.max(sums.error[0]![i]!, scatter || 0) / part
    return {
      ...{ ...place, flux, fluxError, flags: sums.flags[i]! },
      ...(fit
        ? { psfFlux: fit.flux[i]! * fitScale, psfFluxError: fitScale * Math.sqrt(fit.fluxError[i]! ** 2 + shared) }
        : {}),
      ...judge(
        flux,
        fluxError,
        calibration?.zero.value ?? 0,
        calibration?.zero.error ?? 0,
        facts.exposure,
        config.targets.significance,
      ),
    }
  })
}

function judge(flux: number, error: number, zero: number, zeroError: number, exposure: number, significance: number) {
  if (!Number.isFinite(flux)) return {}
  if (flux >= significance * error) {
    return {
      magnitude: zero + instrumental(flux, exposure),
      magnitudeError: Math.hypot((MAG * error) / flux, zeroError),
    }
  }
  return { limit: zero + instrumental(Math.max(0, flux) + significance * error, exposure) }
}

/** Fits at the given places with the detected stars beside them, whose own places a blend with the target had moved. */
function fitForced(frame: Frame, { psf, found, fit, gain }: FrameMeasures, { x, y }: { x: number[]; y: number[] }) {
  // a star that is the target is not fitted twice
  const near = 0.5 * psf!.fwhm(frame.width / 2, frame.height / 2)
  const all = fit ?? { ...found.stars, flux: found.stars.flux }
  const others = Array.from({ length: all.count }, (_, i) => i).filter(
    (i) => Number.isFinite(all.x[i]) && x.every((px, k) => Math.hypot(px - all.x[i]!, y[k]! - all.y[i]!) > near),
  )
  const close = others.filter((i) => x.some((px, k) => Math.hypot(px - all.x[i]!, y[k]! - all.y[i]!) < 12 * near))
  return fitPsfFluxes(
    frame,
    psf!,
    {
      x: [...x, ...close.map((i) => all.x[i]!)],
      y: [...y, ...close.map((i) => all.y[i]!)],
      flux: [...x.map(() => 0), ...close.map((i) => Math.max(0, all.flux[i]!))],
    },
    { held: x.length, net: found.net, gain, skySigma: fit?.skySigma ?? found.quality.skySigma, mesh: 0, rounds: 6 },
  )
}

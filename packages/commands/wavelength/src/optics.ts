import type { Request } from '@nightpipe/command'
import {
  displacement,
  type EchelleModel,
  fitDisplacement,
  fitEchelleModel,
  fittedPlace,
  GLASSES,
  type Glass,
  modelWavelength,
  pairLines,
  reproduce,
  type WavelengthSolution,
} from '@nightpipe/spectra'
import {
  type ArcModel,
  chooseSpectrograph,
  readSpectrographs,
  type SpectrographRow,
  type Tree,
} from '@nightpipe/spectrographs'
import type { Exposure } from './exposures.js'
import type { WavelengthSchema } from './schema.js'

/**
 * The optical model of spectrographs.csv fitted to the lines of an arc: of the reference fibre, and how the others lie beside it. Undefined
 * where the tree has no numbers of this spectrograph, or the fit does not hold.
 */
export function throughOptics(
  solutions: readonly WavelengthSolution[],
  { tree, exposure, request }: { tree: Tree; exposure: Exposure; request: Request<WavelengthSchema> },
): { model: ArcModel; solutions: WavelengthSolution[] } | undefined {
  const { row } = chooseSpectrograph(readSpectrographs(tree), { site: tree.site, mjd: exposure.mjd })
  const start = row && startModel(row)
  const arcFibre = request.profile.values.spectrograph['arc fibre']
  const reference = solutions.find(({ fibre }) => fibre === arcFibre) ?? solutions[0]!
  if (!start || start.nx !== reference.polynomial.width || reference.polynomial.orderStep !== 1) return undefined
  const placed = (of: WavelengthSolution) =>
    of.lines.filter(({ used }) => used).map((line) => ({ ...line, x: fittedPlace(of, line) }))
  const lines = placed(reference)
  const points = lines.map(({ index, x, wavelength, sigma }) => ({ index, x, nm: wavelength / 10, error: sigma / 10 }))
  const fit = fitEchelleModel({ ...start, firstOrder: reference.polynomial.firstOrder }, points)
  if (!fit || fit.used < 0.5 * points.length) return undefined
  const displacements = new Map<number, ArrayLike<number>>()
  for (const other of solutions) {
    if (other === reference) continue
    const found = fitDisplacement(pairLines(lines, placed(other)), start.nx, start.orders)
    if (found) displacements.set(other.fibre, found)
  }
  const model = { model: fit.model, displacements }
  return {
    model,
    solutions: solutions.flatMap((one) => {
      const f = displacements.get(one.fibre)
      if (one !== reference && !f) return []
      return [reproduce(one, (index, x) => 10 * wavelengthIn(fit.model, f, index, x))]
    }),
  }
}

function wavelengthIn(model: EchelleModel, f: ArrayLike<number> | undefined, index: number, x: number): number {
  const shift = f ? displacement(f, x - model.nx / 2, index - model.orders / 2) : 0
  return modelWavelength(model, index, x - shift)
}

/** A row of spectrographs.csv as a model; undefined where numbers are missing. */
function startModel(row: SpectrographRow): EchelleModel | undefined {
  const cells = row as unknown as Record<string, number | string | undefined>
  const value = (name: string) => Number(cells[name] ?? Number.NaN)
  const glass = GLASSES.find((one) => one === cells.Glass) as Glass | undefined
  const residual = Float64Array.from({ length: 15 }, (_, k) => value(`C${k}`) || 0)
  const model = {
    ...{ nx: value('Nx'), orders: value('Nord'), firstOrder: value('Ord0'), grooveSpacing: value('GrSpc') },
    ...{
      sinAlpha: Math.sin((value('GrInc') * Math.PI) / 180),
      focalLength: value('FL'),
      y0: value('Y0'),
      z0: value('Z0'),
    },
    ...{ apex: value('Apex'), centralWavelength: value('LamCen'), rotation: value('Rot'), pixelSize: value('PixSiz') },
  }
  return glass && Object.values(model).every(Number.isFinite) ? { ...model, glass, residual } : undefined
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DataError } from '@nightpipe/command'
import { column, numberOf, openFits, readTable, writeFits } from '@nightpipe/fits'
import { fitPlate, refineField, type SkyPoints } from '@nightpipe/registration'
import { readWcs, type TanSolution } from '@nightpipe/sky'
import type { Field } from './frame-stars.js'
import type { FrameJob } from './plan.js'
import { skySource } from './reference.js'
import type { AstrometryConfig } from './schema.js'
import type { First, Unsolved } from './solve.js'

/**
 * The field found by an installed solve-field (Lang et al. 2010, AJ 139, 1782) from our stars. Where there is a catalogue its
 * answer is held against it like one of our own; without one, its own index stars are the references.
 */
export async function solveByAstrometryNet(
  job: FrameJob,
  field: Field,
  config: AstrometryConfig,
): Promise<First | Unsolved> {
  const folder = mkdtempSync(join(tmpdir(), 'astrometry-'))
  try {
    writeStars(join(folder, 'stars.xyls'), field)
    const { said, missing } = await runSolveField(folder, job, field, config)
    if (missing) {
      const advice = 'install astrometry.net and its index files, or set [solver] method = own'
      throw new DataError(`${config.solver.command} cannot be started: ${missing}`, advice)
    }
    const linear = linearOf(join(folder, 'stars.wcs'), field)
    if (!linear) return { reason: `no solution by ${config.solver.command}: ${said}` }
    return config.catalogue.folder
      ? againstCatalogue(linear, job, field, config)
      : withIndexStars(folder, linear, field, config)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function writeStars(path: string, { x, y }: Field): void {
  const most = Math.min(1000, x.length)
  const values = (of: Float64Array) => of.slice(0, most).map((value) => value + 1)
  const flux = Float64Array.from({ length: most }, (_, k) => most - k) // they are in order of brightness
  const columns = [
    { name: 'X', values: values(x) },
    { name: 'Y', values: values(y) },
    { name: 'FLUX', values: flux },
  ]
  writeFits(path, [{ kind: 'empty' }, { kind: 'table', columns, rows: most }])
}

async function runSolveField(
  folder: string,
  job: FrameJob,
  field: Field,
  { solver }: AstrometryConfig,
): Promise<{ said: string; missing?: string }> {
  const { execa } = await import('execa')
  const settings = solver.indexes ? ['--config', writeSettings(folder, solver)] : []
  const where = job.radius < 180 ? ['--ra', job.ra, '--dec', job.dec, '--radius', job.radius] : []
  const args = [
    ...['--overwrite', '--no-plots', '--dir', folder, '--width', field.width, '--height', field.height],
    ...['--x-column', 'X', '--y-column', 'Y', '--sort-column', 'FLUX', '--no-verify', '--no-tweak'],
    ...['--scale-units', 'arcsecperpix', '--scale-low', job.scale[0], '--scale-high', job.scale[1]],
    ...['--cpulimit', solver.seconds, ...where, ...settings],
    join(folder, 'stars.xyls'),
  ].map(String)
  const ran = await execa(solver.command, args, {
    reject: false,
    stdin: 'ignore',
    all: true,
    timeout: 4000 * solver.seconds,
  })
  if (ran.exitCode === undefined && !ran.timedOut)
    return { said: '', missing: ran.shortMessage?.split('\n')[0] ?? 'unknown' }
  const lines = String(ran.all ?? '')
    .split('\n')
    .filter((line) => /did not solve|error|fail|limit|no index/i.test(line))
  return { said: ran.timedOut ? 'it took too long' : (lines.at(-1)?.trim() ?? 'it gives no reason') }
}

/** Index files of a folder are named in a settings file: the flag for it is newer than many installed versions. */
function writeSettings(folder: string, { indexes, seconds }: AstrometryConfig['solver']): string {
  const path = join(folder, 'astrometry.cfg')
  writeFileSync(path, `cpulimit ${seconds}\nadd_path ${resolve(indexes)}\nautoindex\n`)
  return path
}

/** Its solution with the reference moved to the middle of the frame. */
function linearOf(path: string, { width, height }: Field): TanSolution | undefined {
  try {
    const file = openFits(path)
    const { cards } = file.hdus[0]!.header
    const wcs = readWcs((keyword) => cards.find((card) => card.keyword === keyword)?.value)
    file.close()
    if (!wcs) return undefined
    const [x, y] = [(width - 1) / 2, (height - 1) / 2]
    const near = [0, 1, -1].flatMap((i) =>
      [0, 1, -1].map((j): [number, number] => [x + (i * width) / 3, y + (j * height) / 3]),
    )
    const on = near.map(([u, v]) => wcs.toSky(u, v))
    const pairs = {
      ...{ x: Float64Array.from(near, ([u]) => u), y: Float64Array.from(near, ([, v]) => v) },
      ...{ ra: Float64Array.from(on, ([ra]) => ra), dec: Float64Array.from(on, ([, dec]) => dec) },
    }
    const plate = fitPlate(pairs, { pixel: [x, y], sky: wcs.toSky(x, y), matrix: wcs.linear.matrix }, 1, width / 2)
    const { first, second, half } = plate
    const matrix: TanSolution['matrix'] = [first[1]! / half, first[2]! / half, second[1]! / half, second[2]! / half]
    return { pixel: [x, y], sky: plate.sky, matrix, radesys: 'ICRS' }
  } catch {
    return undefined // no such file: not solved
  }
}

function againstCatalogue(
  linear: TanSolution,
  job: FrameJob,
  field: Field,
  config: AstrometryConfig,
): First | Unsolved {
  const degrees =
    (Math.hypot(field.width, field.height) / 2) *
    Math.sqrt(Math.abs(linear.matrix[0] * linear.matrix[3] - linear.matrix[1] * linear.matrix[2]))
  const sky = skySource(config, job.epoch)(linear.sky[0], linear.sky[1], degrees * 1.1, 5000)
  const found = refineField(linear, field, sky, field, { hypotheses: 1, mostOrder: 4 })
  if (found && found.logFalse <= Math.log10(config.match['false match'])) return { ...found, sky, hypotheses: 1 }
  const matched = found ? `${found.match.star.length} of ${found.offered} stars` : 'no stars'
  return {
    reason: `no solution: that of ${config.solver.command} brings ${matched} together with the catalogue, as chance may`,
  }
}

function withIndexStars(folder: string, linear: TanSolution, field: Field, config: AstrometryConfig): First | Unsolved {
  const file = openFits(join(folder, 'stars.corr'))
  const table = readTable(file.hdus[1]!)
  file.close()
  const of = (name: string) => Float64Array.from((column(table, name)?.values ?? []) as Float64Array)
  const sky: SkyPoints = { ra: of('index_ra'), dec: of('index_dec'), magnitude: new Float32Array(table.rows) }
  const found = refineField(linear, field, sky, field, { hypotheses: 1, mostOrder: 3 })
  const match = openFits(join(folder, 'stars.match'))
  const odds =
    numberOf(match.hdus[1]!.header, 'LOGODDS') ??
    (column(readTable(match.hdus[1]!), 'LOGODDS')?.values as Float32Array | undefined)?.[0] ??
    0
  match.close()
  const logFalse = -odds / Math.LN10
  if (found && logFalse <= Math.log10(config.match['false match'])) return { ...found, sky, logFalse, hypotheses: 1 }
  return { reason: `no solution: that of ${config.solver.command} may be chance (odds 10^${(-logFalse).toFixed(1)})` }
}

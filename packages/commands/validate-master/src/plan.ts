import { existsSync, readFileSync } from 'node:fs'
import { basename, join, relative, sep } from 'node:path'
import type { CalibrationRow } from '@nightpipe/calibrations'
import { ConfigError, type Job, type Parent, type Plan, type Request, type Row } from '@nightpipe/command'
import { parseCalibrationJson, record, rowOfRecord } from '@nightpipe/validations'
import { isInForce, nameInForce, OLD, readBank, register, WITHDRAWN } from './bank.js'
import { type ChainJob, chainName, chainProducts } from './chain.js'
import { isMeanInForce, type RebiasJob, rebiasGroups } from './rebias.js'
import type { schema } from './schema.js'
import { recordPaths, requireMaster, type ValidationJob } from './validate.js'

export type AnyJob =
  | { kind: 'validate'; params: ValidationJob }
  | { kind: 'chain'; params: ChainJob }
  | { kind: 'rebias'; params: RebiasJob }
type Sources = Request<typeof schema>
type Candidate = { path: string; row: CalibrationRow }

/** Where JSON, pictures and maps go, inside the bank. */
export const RECORDS = 'validation'

export async function planValidation(request: Sources): Promise<Plan<AnyJob>> {
  const { flags, config, inputs, output } = request
  const averages = config.rebias.masters > 0
  if (typeof flags.import === 'string') await importRecords(flags.import, output, request.dryRun)
  if (flags.rollback) return { jobs: [] }
  if (inputs.length === 0 && !flags.import && !averages) {
    throw new ConfigError(
      'no candidate: --input is missing, or what it names holds no masters',
      'name masters with --input, or use --rollback, --rebias or --import',
    )
  }
  const rows: Row[] = []
  const candidates: Candidate[] = []
  for (const { path } of inputs) {
    if (isOfBank(path, output, config.chain.walk || averages)) continue
    try {
      candidates.push({ path, row: requireMaster(path) })
    } catch (error) {
      rows.push({ input: path, status: 'failed', reason: (error as Error).message })
    }
  }
  candidates.sort((a, b) => (a.row.jd ?? 0) - (b.row.jd ?? 0) || (a.row.filename < b.row.filename ? -1 : 1))
  if (averages) return planRebias(candidates, rows, request)
  if (config.chain.walk) return { jobs: chainJobs(candidates, output), rows }
  return planCandidates(candidates, rows, request)
}

/**
 * What a bank keeps for itself is no candidate: records and maps never, generations only when a chain walks them or their
 * mean is made. Else a bank given as input would put back what was taken out of force.
 */
function isOfBank(path: string, bank: string, takesGenerations: boolean): boolean {
  const inside = relative(bank, path).split(sep)
  if (inside[0] === RECORDS || /(_dispersion|^chain_[^/]*)\.fits(\.fz)?$/.test(basename(path))) return true
  return !takesGenerations && [OLD, WITHDRAWN].includes(inside[0])
}

async function planCandidates(candidates: readonly Candidate[], rows: Row[], request: Sources): Promise<Plan<AnyJob>> {
  const { output, flags, config, dryRun } = request
  const bank = readBank(output)
  const jobs: Job<AnyJob>[] = []
  for (const { path, row } of candidates) {
    const name = nameInForce(bank, row)
    if (isInForce(output, name, row, path)) {
      // A run that was killed after the rename left the table behind: bring it up to date.
      if (!dryRun) await register(output, name)
      rows.push({ input: path, status: 'done', product: join(output, name), reason: 'is in force already' })
      continue
    }
    const reference = referenceOf(flags.reference, join(output, name))
    jobs.push(
      validationJob(
        path,
        {
          bank: output,
          records: join(output, RECORDS),
          candidate: path,
          name,
          reference,
          bootstrap: flags.bootstrap === true,
        },
        config.compare.pictures,
      ),
    )
  }
  return { jobs, rows }
}

function referenceOf(flag: unknown, inForce: string): string | undefined {
  if (typeof flag === 'string') {
    if (!existsSync(flag)) throw new ConfigError(`--reference ${flag} does not exist`)
    return flag
  }
  return existsSync(inForce) ? inForce : undefined
}

function validationJob(path: string, params: ValidationJob, pictures: boolean): Job<AnyJob> {
  const stem = params.candidate
    .split('/')
    .at(-1)!
    .replace(/\.fits(\.fz|\.gz)?$/i, '')
  const parents: Parent[] = [{ path, role: 'candidate' }]
  if (params.reference) parents.push({ path: params.reference, role: 'reference' })
  const products = recordPaths(params.records, stem, pictures, params.reference !== undefined)
  return { name: stem, inputs: [path], products, parents, params: { kind: 'validate', params } }
}

function chainJobs(candidates: readonly Candidate[], output: string): Job<AnyJob>[] {
  const groups = new Map<string, Candidate[]>()
  for (const member of candidates)
    groups.set(chainName(member.row), [...(groups.get(chainName(member.row)) ?? []), member])
  return [...groups].map(([name, members]) => {
    const inputs = members.map(({ path }) => path)
    const parents = inputs.map((path) => ({ path, role: 'master' }))
    const products = chainProducts(join(output, RECORDS), members[0].row)
    return { name, inputs, products, parents, params: { kind: 'chain', params: { members } } }
  })
}

/** The mean is made by its job, in the folder of records: it is no input that exists before. */
function planRebias(given: readonly Candidate[], rows: Row[], request: Sources): Plan<AnyJob> {
  const { output, config, flags, dryRun } = request
  const count = config.rebias.masters
  if (count < 2) throw new ConfigError(`--rebias ${count}: at least 2 masters are needed`)
  const jobs: Job<AnyJob>[] = []
  for (const { name, members } of rebiasGroups(output, given, count)) {
    const records = join(output, RECORDS)
    const candidate = join(records, name.replace(/\.fits$/, '_rebias.fits'))
    const reference = referenceOf(flags.reference, join(output, name))
    const base = { bank: output, records, candidate, name, reference, bootstrap: flags.bootstrap === true, members }
    const inForce = join(output, name)
    const row = given.length > 0 ? members : [inForce]
    const job = validationJob(candidate, base, config.compare.pictures)
    const parents = [
      ...members.map((path) => ({ path, role: 'bias', given: true })),
      ...job.parents.filter(({ role }) => role === 'reference'),
    ]
    if (isMeanInForce(base, parents, request)) {
      const reason = `is in force already: the mean of ${members.length} masters`
      rows.push(...row.map((input): Row => ({ input, status: 'done', product: inForce, reason })))
    } else jobs.push({ ...job, inputs: row, parents, params: { kind: 'rebias', params: base } })
  }
  if (jobs.length === 0 && rows.length === 0 && !dryRun)
    throw new ConfigError(
      given.length > 0
        ? 'the input holds no two biases of a kind'
        : `${output} holds no bias with an earlier generation`,
      '--rebias averages masters; those that are a mean themselves do not count',
    )
  return { jobs, rows }
}

async function importRecords(path: string, bank: string, dryRun: boolean): Promise<void> {
  let records: ReturnType<typeof parseCalibrationJson>
  try {
    records = parseCalibrationJson(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new ConfigError(`${path}: ${(cause as Error).message}`, 'a calibration file of either schema is expected')
  }
  if (!dryRun) await record(bank, records.map(rowOfRecord))
}

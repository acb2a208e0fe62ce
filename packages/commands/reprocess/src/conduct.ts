import { join, resolve } from 'node:path'
import { type Conducting, ConfigError, DataError, Exit } from '@nightpipe/command'
import { tryLock } from '@nightpipe/files'
import { approve, wasPublished } from './approve.js'
import { factsOfOld, fetchOld } from './old-products.js'
import { pipelineCalls } from './pipeline-calls.js'
import { writeReport } from './report.js'
import type { schema } from './schema.js'
import { fillCall, Interrupted, runFill, runPipeline } from './steps.js'
import { storeAccess } from './store-client.js'

export type Ask = Conducting<typeof schema>

/** One at a time in a folder: makes the report, or publishes what it shows. */
export async function conduct(request: Ask): Promise<number> {
  const { output, log, signal, dryRun, flags } = request
  if (flags.approve !== undefined && resolve(String(flags.approve)) !== output)
    throw new ConfigError('--approve and --output name different folders', 'give --approve alone')
  const lock = dryRun ? undefined : tryLock(join(output, 'reprocess'))
  if (!dryRun && !lock) {
    log.warn(`another reprocess is at work in ${output}: nothing done`)
    return Exit.verdictNo
  }
  try {
    return await (flags.approve === undefined ? compare(request) : approve(request))
  } catch (error) {
    if (signal.aborted || error instanceof Interrupted) return Exit.interrupted
    throw error
  } finally {
    lock?.release()
  }
}

async function compare(request: Ask): Promise<number> {
  const { config, output, log, signal, dryRun } = request
  const { id: burst, observation } = config.burst
  if (burst === '') throw new ConfigError('no burst is named', 'give --burst ID')
  const store = storeAccess(config.store.url, config.store['key file'])
  const calls = pipelineCalls(request)
  if (dryRun) {
    for (const { command, args } of calls.run) await request.print(`${[command, ...args].map(quoted).join(' ')}\n`)
    return Exit.done
  }
  if (wasPublished(output))
    throw new DataError(`${output} was approved and published`, 'choose another --output for another processing')
  const folder = join(output, 'old')
  const old = await fetchOld(store, { burst, observation, folder }, signal)
  const facts = factsOfOld(folder, old, burst)
  log.info(`${old.length} products of ${burst} in the store; the new ones will be version ${facts.processing}`)
  let partial = false
  for (const call of calls.run) {
    log.info(`pipeline at work; pipeline --watch -r ${call.output} shows it`)
    partial = (await runPipeline(call, signal)).partial || partial
  }
  const { fields } = config.pipeline
  const fill = fillCall(output, old, facts, { workspace: calls.after, fields, fill: config.fill })
  const made = await runFill(fill, output, signal)
  if (signal.aborted) return Exit.interrupted
  const report = await writeReport(request, { old, facts, made, store, before: calls.before, after: calls.after })
  await tell(request, report)
  return partial ? Exit.someFailed : Exit.done
}

async function tell({ print, json, log, output }: Ask, report: Awaited<ReturnType<typeof writeReport>>): Promise<void> {
  const { counts, files } = report
  if (json) await print(`${JSON.stringify({ product: join(output, 'index.html'), ...counts })}\n`)
  else await print(files.map((path) => `${path}\n`).join(''))
  log.info(
    `${counts.same} values are the same, ${counts.changed} changed, ${counts.appeared} appeared, ${counts.gone} are gone; ` +
      `look at ${join(output, 'index.html')}, then reprocess --approve ${output}`,
  )
}

const quoted = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

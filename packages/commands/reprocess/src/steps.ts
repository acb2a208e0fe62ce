import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DataError, Exit, runCommand } from '@nightpipe/command'
import { writeAtomically } from '@nightpipe/files'
import type { BurstFacts, OldProduct } from './old-products.js'
import { resultsOf } from './workspace.js'

/** A command that this one starts, with its arguments, as a shell would. */
export interface Call {
  command: string
  args: string[]
}

/** Runs a pipeline; the exit code 5 says that some frames failed, and the rest is done. */
export async function runPipeline(call: Call, signal: AbortSignal): Promise<{ partial: boolean }> {
  const { code, stderr } = await runCommand(call.command, call.args, signal)
  if (code === Exit.interrupted) throw new Interrupted()
  if (code === Exit.done || code === Exit.someFailed) return { partial: code === Exit.someFailed }
  throw new DataError(lastWords(call, code, stderr), 'its own message says what to do; what is done stays')
}

/** The first signal of the person: what was started was stopped with us. */
export class Interrupted extends Error {}

function lastWords({ command }: Call, code: number, stderr: string): string {
  const lines = stderr.trim().split('\n').filter(Boolean)
  return lines.find((line) => line.startsWith(`${command}: `)) ?? lines.at(-1) ?? `${command} ended with ${code}`
}

/** What fills the new products: from the results of the pipeline, with what the old ones say of their burst. */
export function fillCall(
  output: string,
  old: readonly OldProduct[],
  facts: BurstFacts,
  { workspace, fields, fill }: { workspace: string; fields: readonly string[]; fill: Readonly<Record<string, string>> },
): Call {
  const list = join(output, 'results.list')
  const results = resultsOf(workspace, fields)
  if (!results.some((path) => path.endsWith('.csv')))
    throw new DataError(
      `the pipeline made no tables of photometry or subtraction in ${workspace}`,
      'products are filled from these: switch one of the stages on',
    )
  writeAtomically(list, results.map((path) => `${path}\n`).join(''))
  const trigger = join(output, 'trigger.json')
  const { burst, obsId, triggerMjd } = facts
  writeAtomically(trigger, `${JSON.stringify({ burstId: burst, obsId, t0Mjd: triggerMjd }, null, 2)}\n`)
  const own: Record<string, string> = {
    'product.kinds': [...new Set(old.map(({ card }) => card.split('_')[0]!))].join(','),
    ...{ 'product.instrument': facts.instrument, 'product.program': facts.program },
    'product.processing': String(facts.processing),
    'product.replaces': old.map(({ card, version, sha256 }) => `${card}:${version}:${sha256}`).join(','),
    ...{ 'observation.trigger': trigger, 'observation.telescope id': facts.telescopeId },
    ...{ 'observation.observation id': facts.observationId, 'observation.filters': facts.filters.join(',') },
    ...fill,
  }
  const set = Object.entries(own)
    .filter(([, value]) => value !== '')
    .flatMap(([key, value]) => ['--set', `${key}=${value}`])
  return { command: 'product-build', args: ['fill', '--input', `@${list}`, '--output', join(output, 'new'), ...set] }
}

/** Fills them, and takes away what an earlier call had made under another number of the processing. */
export async function runFill(call: Call, output: string, signal: AbortSignal): Promise<string[]> {
  const folder = join(output, 'new')
  mkdirSync(folder, { recursive: true })
  const { code, products, stderr } = await runCommand(call.command, call.args, signal)
  if (code === Exit.interrupted) throw new Interrupted()
  if (code !== Exit.done) throw new DataError(lastWords(call, code, stderr))
  const made = new Set(products.map((path) => path.replace(/\.fits$/, '')))
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (/\.(fits|png)$/.test(name) && !made.has(path.replace(/\.(fits|png)$/, ''))) rmSync(path)
  }
  return products
}

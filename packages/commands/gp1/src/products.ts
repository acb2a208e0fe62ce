import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { executableOf } from '@nightpipe/command'
import type { LogFile } from './log-file.js'
import type { Gp1Config } from './schema.js'

/** What is made of the events that a pipeline has observed. */
export interface ProductMaker {
  /** Fills the products of each event in a workspace and hands them on to be sent. Never throws: images go on. */
  make(pipeline: string, workspace: string): Promise<void>
  /** Resolves when nothing is on its way that could arrive now. */
  sent(): Promise<void>
  /** Ends the waiting for a store that does not answer; what is due is sent by the next gp1. */
  stop(): void
}

/** Folders of stages whose tables and frames products are made of. */
const STAGES = ['reduction', 'photometry', 'subtraction']

export function productMaker({ products, general }: Gp1Config, log: LogFile): ProductMaker {
  const sender = sendingTo(products, join(general.log_path, 'outbox'), log)
  return {
    async make(pipeline, workspace) {
      if (!products.make) return
      for (const { field, event } of eventsIn(resolve(workspace))) {
        if (event.status !== 'active') continue
        const inputs = stagesIn(field)
        if (!inputs.some((folder) => !folder.endsWith('reduction'))) continue
        const args = ['fill', '--input', ...inputs, '--output', join(field, 'products'), '--trigger', event.trigger]
        if (products.config !== '') args.push('--config', products.config)
        args.push('--set', `observation.observation id=${products.observation}`)
        const { exit, made, reason } = await run('product-build', args)
        if (exit === 0 || exit === 5) log.info(pipeline, `${made.length} products of ${event.burst}`)
        else log.warn(pipeline, `no products of ${event.burst}: ${reason}`)
        if (made.length > 0) sender.add(made)
      }
    },
    sent: sender.idle,
    stop: sender.stop,
  }
}

interface EventFile {
  trigger: string
  burst: string
  status: string
}

/** The fields of a workspace that were observed for an event, as pipeline says. */
function eventsIn(workspace: string): { field: string; event: EventFile }[] {
  if (!existsSync(workspace)) return []
  return readdirSync(workspace)
    .sort()
    .map((name) => join(workspace, name))
    .filter((field) => existsSync(join(field, 'event.json')))
    .map((field) => ({ field, event: JSON.parse(readFileSync(join(field, 'event.json'), 'utf8')) as EventFile }))
}

const stagesIn = (field: string): string[] =>
  readdirSync(field, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isDirectory() && STAGES.includes(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort()

/** Sends products by product-publish, which knows what was sent; again and again while the store does not take them. */
function sendingTo({ store, 'key file': key, again }: Gp1Config['products'], outbox: string, log: LogFile) {
  let due = new Set<string>()
  const end = new AbortController()
  let working: Promise<void> | undefined
  let tried = () => {}
  let resting = false
  const work = async () => {
    while (due.size > 0 && !end.signal.aborted) {
      const files = [...due].filter((file) => existsSync(file))
      due = new Set()
      const args = ['--input', ...files, '--output', outbox, '--to', store, ...(key ? ['--key-file', key] : [])]
      const { exit, made, reason } = await run('product-publish', [...args, '--set', 'sending.attempts=3'])
      if (made.length > 0) log.info('gp1', `${made.length} products were taken by ${store}`)
      if (exit === 0) continue
      log.warn('gp1', `products are not with ${store} yet: ${reason}`)
      for (const file of files) due.add(file)
      resting = true
      tried()
      await wait(1000 * again, undefined, { signal: end.signal }).catch(() => undefined)
      resting = false
    }
    working = undefined
    tried()
  }
  return {
    add(files: readonly string[]) {
      if (store === '') return
      for (const file of files) if (/\.fits(\.fz)?$/.test(file)) due.add(file)
      working ??= work()
    },
    /** After one attempt at least. */
    idle: () => (working && !resting ? new Promise<void>((resolve) => (tried = resolve)) : Promise.resolve()),
    stop: () => end.abort(),
  }
}

async function run(command: string, args: readonly string[]) {
  const { execa } = await import('execa')
  // In a group of its own: Ctrl-C is for us, and what was begun is finished.
  const options = { reject: false, stdin: 'ignore', detached: true } as const
  const { exitCode, stdout, stderr } = await execa(process.execPath, [executableOf(command), ...args], options)
  const said = String(stderr).trim().split('\n')
  const made = String(stdout)
    .split('\n')
    .filter((line) => line !== '')
  return { exit: exitCode ?? 130, made: made.map((path) => resolve(path)), reason: said.at(-1) ?? '' }
}

import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { defineConductor } from '@nightpipe/command'
import { conduct } from './conduct.js'
import { type Gp1Config, schema } from './schema.js'
import { stateTable } from './state.js'
import { showStatus } from './status.js'

const common = {
  name: 'gp1',
  schema,
  measurements: [],
  inputs: 'none',
  inputInstead: 'the folders watched stand in gp1.cfg: --config gp1.cfg --set general.input=FOLDER',
  /** gp1.cfg itself, or the folder that has it. */
  configFile: (given: string) => (existsSync(given) && statSync(given).isDirectory() ? join(given, 'gp1.cfg') : given),
  outputFolder: ({ general }: Gp1Config) => general.log_path,
} as const

/** Watches an input folder and feeds one or more pipelines, image by image. */
export const gp1 = defineConductor({
  ...common,
  summary: 'watches an input folder and feeds one or more pipelines, image by image',
  description:
    'Every image that arrives goes to each pipeline whose header pairs it matches, once it is whole. A pipeline is ' +
    'called on all its images so far whenever there are new ones; its ledger makes only the new ones cost time, and when ' +
    'all are in, the products are those that the pipeline would have made of the whole night, byte for byte.\n\n' +
    'It survives restarts and kill -9 without losing an image or taking one twice. Ctrl-C and SIGTERM finish what was ' +
    'begun. The state of each image is in gp1.csv, messages in gp1.log, and counts in status.json, all in log_path; ' +
    '`gp1 status --config gp1.cfg` prints the latter.',
  examples: [
    { run: 'gp1 --config gp1.cfg', doc: 'until it is stopped' },
    { run: 'gp1 --config gp1.cfg --once', doc: 'what is there, and no more: for cron' },
    { run: 'gp1 status --config gp1.cfg', doc: 'what it is doing' },
  ],
  flags: { once: { type: 'flag', doc: 'end when all that has arrived is done' } },
  tables: [stateTable],
  conduct,
})

export const gp1Status = defineConductor({
  ...common,
  subcommand: 'status',
  summary: 'what the gp1 of a configuration is doing',
  conduct: showStatus,
})

import { basename, join } from 'node:path'
import { defineCommand, type Job, type Request, type Row, type Tools, type Verdict } from '@nightpipe/command'
import { drawEvolution, readHistory } from '@nightpipe/validations'
import { rollback } from './bank.js'
import { walkChain } from './chain.js'
import { type AnyJob, planValidation, RECORDS } from './plan.js'
import { rebias } from './rebias.js'
import { schema } from './schema.js'
import { validate } from './validate.js'

/** A new master against the one in force: promoted, or refused with the reasons. */
export const validateMaster = defineCommand({
  name: 'validate-master',
  summary: 'a candidate master compared with the one in force; accepted and promoted, or refused (exit 4)',
  description:
    'The output folder is the bank: the masters in force, calibrations.csv that lists them, old/ with the generations ' +
    'before, validations.csv with every validation ever made, and validation/ with the calibration JSON, histogram, ' +
    'dispersion map and evolution figures. A candidate is accepted when its header agrees with the master in force and ' +
    'mean, rms and the fraction of deviating pixels of their difference (or ratio) are within [limits]. It then takes ' +
    'the place of the master in one step, and the master before becomes a dated generation. When it is refused, nothing ' +
    'in force changes.',
  examples: [
    { run: 'validate-master --input masters/ --output bank/ --bootstrap', doc: 'the first masters of a site' },
    { run: 'validate-master --input tonight/bias_C1.fits --output bank/', doc: 'accept or refuse a new one' },
    { run: 'validate-master --output bank/ --rollback bias_C1.fits', doc: 'put the generation before back in force' },
    { run: 'validate-master --output bank/ --rebias 10', doc: 'put the mean of the last ten biases in force' },
    { run: 'validate-master --input bank/old/ --output study/ --chain', doc: 'how masters changed over a year' },
  ],
  schema,
  flags: {
    bootstrap: { type: 'flag', doc: 'put a candidate in force where there is no master of its kind yet' },
    reference: { type: 'text', doc: 'compare with this master instead of the one in force', placeholder: 'FILE' },
    rollback: {
      type: 'text',
      doc: 'take this master out of force, put the generation before back',
      placeholder: 'NAME',
    },
    rebias: {
      type: 'integer',
      config: 'rebias.masters',
      doc: 'average the latest N biases, given as input or else those of the bank, and validate the mean',
      placeholder: 'N',
    },
    chain: {
      type: 'flag',
      config: 'chain.walk',
      doc: 'walk the inputs in order of time, comparing each with what came before; nothing is promoted',
    },
    schema: {
      type: 'text',
      choices: ['plan', 'deployed'],
      config: 'json.schema',
      doc: 'how the calibration JSON is written: with units and error codes, or flat',
    },
    import: {
      type: 'text',
      doc: 'take the validations of a calibration JSON (either schema) into the history',
      placeholder: 'FILE',
    },
  },
  measurements: [
    { name: 'type', doc: 'type of the master', type: 'text' },
    { name: 'instrument', doc: 'instrument', type: 'text' },
    { name: 'filter', doc: 'filter', type: 'text' },
    { name: 'mean', doc: 'mean of its good pixels' },
    { name: 'median', doc: 'median of its good pixels' },
    { name: 'rms', doc: 'deviation of its good pixels' },
    { name: 'meandiff', doc: 'mean of the comparison' },
    { name: 'mediandiff', doc: 'median of the comparison' },
    { name: 'rmsdiff', doc: 'deviation of the comparison' },
    { name: 'deviating', doc: 'fraction of the pixels that deviate' },
    { name: 'codes', doc: 'codes of what spoke against it', type: 'text' },
  ],
  inputs: 'optional',
  parallel: 'strips',
  plan: planValidation,
  job: ({ params, ...job }: Job<AnyJob>, tools: Tools<typeof schema>) => {
    if (params.kind === 'chain') return walkChain({ ...job, params: params.params }, tools)
    if (params.kind === 'rebias') return rebias({ ...job, params: params.params }, tools)
    return validate({ ...job, params: params.params }, tools)
  },
  finish,
})

async function finish(
  { flags, output, config, log, dryRun }: Request<typeof schema>,
  rows: readonly Row[],
): Promise<Verdict> {
  const products: string[] = []
  if (typeof flags.rollback === 'string' && !dryRun) {
    const { restored, withdrawn } = await rollback(output, flags.rollback)
    log.info(`${flags.rollback} is the generation before again; what was in force is ${withdrawn}`)
    products.push(restored)
  }
  const chained = config.chain.walk
  const refused = chained ? [] : rows.filter((row) => row.status === 'rejected')
  if (config.compare.pictures && !chained && !flags.rollback) {
    // The figures are not printed: what reads our output wants masters.
    await drawEvolution(output, join(output, RECORDS), readHistory(output))
  }
  const reasons = refused.map((row) => `${basename(row.input)}: ${row.reason ?? 'refused'}`)
  return { ok: refused.length === 0, reasons, products }
}

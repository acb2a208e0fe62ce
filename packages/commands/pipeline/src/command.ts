import { defineConductor } from '@nightpipe/command'
import { conduct } from './conduct.js'
import { pipelineFile } from './config-folder.js'
import { framesTable } from './frames.js'
import { runsTable, stepsTable } from './ledger.js'
import { measurements } from './night-frames.js'
import { schema } from './schema.js'
import { STAGES } from './stages.js'

/** Runs commands in order over a night from a folder of INI files, and resumes. */
export const pipeline = defineConductor({
  name: 'pipeline',
  summary: 'runs commands in order over a night from a folder of INI files, and resumes',
  description:
    'Sorts the raw frames of a night into groups by header values, makes masters of its calibration frames, and runs the ' +
    'stages that the configuration switches on over each group, side by side: reduction, findstars, astrometry, ' +
    'alignment, stacking, photometry, subtraction, summary. Each stage is the command of that name, started as a process ' +
    'with its own INI beside pipeline.cfg. Products go to OUTPUT/<group>/<stage>/.\n\n' +
    'What was done is in the ledger (runs.csv, steps.csv): a second call does nothing, a changed frame, master or key redoes ' +
    'what depends on it, and after a crash the work goes on where it was. One bad frame never loses a group: pipeline.csv ' +
    'says what became of each. report.txt, report.json and report.html tell about the last run that had something to do.',
  examples: [
    {
      run: 'pipeline --config svom --input raw/20261120 --output red/20261120',
      doc: 'a night, by a pipeline that comes along',
    },
    { run: 'pipeline --config my-configs/', doc: 'a folder with pipeline.cfg and the INI files of its modules' },
    { run: 'pipeline --config my-configs/ --strategy quick', doc: 'a first look' },
    {
      run: 'pipeline --config generic -s series/ -r red/ --set reduction.calibration.bias=none',
      doc: 'a key of a module changed for once',
    },
    { run: 'pipeline --config my-configs/ --dry-run > plan.sh; sh plan.sh', doc: 'the same by hand' },
  ],
  schema,
  flags: {
    from: {
      type: 'text',
      choices: STAGES,
      doc: 'begin with this stage; what it needs must be there',
      placeholder: 'STAGE',
    },
    until: { type: 'text', choices: STAGES, doc: 'end with this stage', placeholder: 'STAGE' },
    only: { type: 'list', doc: 'these stages, whatever the configuration switches on', placeholder: 'STAGE…' },
    strategy: { type: 'text', doc: 'standard, quick, deep, or your own', config: 'strategy processing.mode' },
    'keep-going': {
      type: 'flag',
      doc: 'a group goes on after a stage that failed, with the products of the stage before',
    },
    timeout: { type: 'number', doc: 'stop a step that takes longer, in seconds', placeholder: 'SECONDS' },
    wait: {
      type: 'number',
      doc: 'wait so long for another pipeline at work in the output folder',
      placeholder: 'SECONDS',
    },
    watch: { type: 'flag', doc: 'start nothing: show the state of the steps in the output folder until they are done' },
  },
  measurements,
  tables: [runsTable, stepsTable, framesTable],
  inputs: 'optional',
  configFile: pipelineFile,
  conduct,
})

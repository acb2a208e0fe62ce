import { type ConfigOf, flag, integer, list, number, path, text } from '@nightpipe/config'
import { moduleSections } from './module-sections.js'

const stage = (doc: string, value = false, alias: string[] = []) => flag(value, doc, { alias, digest: false })

/** Every key of pipeline.cfg, once. The sections of the GP1 files come first, under their names. */
export const schema = {
  workspace: {
    headers: list(
      ['TRGID', 'INSTRUME', 'FILTER'],
      'header keywords whose values name the folders of a group of frames; A|B|C takes the first that the header has',
    ),
    fallbacks: list(
      ['TRGID:ALSVID|ALID|BLKID|OBJECT'],
      'for keywords of headers that are missing: KEYWORD:INSTEAD|OR|OR',
    ),
  },
  'structure of pipeline': {
    reduction: stage('raw frames to calibrated frames', true),
    findstars: stage('a catalogue of the stars of each frame'),
    astrometry: stage('a plate solution for each frame'),
    alignment: stage('the frames of a group laid on one another'),
    stacking: stage('a deep frame of each group'),
    photometry: stage('calibrated magnitudes and light curves'),
    'image subtraction': stage('differences to a reference, and candidates', false, ['subtraction']),
    summary: stage('a page for each field'),
  },
  'strategy processing': {
    mode: text('standard', 'standard, quick (a first look) or deep; or an INI of your own beside this file'),
  },
  calibration: {
    build: flag(true, "make masters of the night's calibration frames where reduction names none"),
  },
  event: {
    triggers: path('', 'folder of the triggers of voevent: pages of fields tell the event that they were observed for'),
    'field radius': number(0.25, 'a field without the name of a burst may lie so far outside its circle of errors', {
      unit: 'deg',
      min: 0,
    }),
    days: number(7, 'and be observed so long after it', { unit: 'd', min: 0 }),
  },
  steps: {
    timeout: number(0, 'a step that takes longer is stopped and has failed; 0: no limit', { unit: 's', min: 0 }),
    frames: integer(0, 'take only the first frames of each group; 0: all (strategies for a first look set it)', {
      min: 0,
    }),
  },
  ...moduleSections,
}

export type PipelineSchema = typeof schema
export type PipelineConfig = ConfigOf<PipelineSchema>

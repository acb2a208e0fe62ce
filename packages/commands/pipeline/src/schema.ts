import { type ConfigOf, flag, integer, list, number, text } from '@nightpipe/config'

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
  steps: {
    timeout: number(0, 'a step that takes longer is stopped and has failed; 0: no limit', { unit: 's', min: 0 }),
    frames: integer(0, 'take only the first frames of each group; 0: all (strategies for a first look set it)', {
      min: 0,
    }),
  },
}

export type PipelineSchema = typeof schema
export type PipelineConfig = ConfigOf<PipelineSchema>

import type { PipelineConfig } from './schema.js'

export const STAGES = [
  'reduction',
  'findstars',
  'astrometry',
  'alignment',
  'stacking',
  'photometry',
  'subtraction',
  'summary',
] as const

export type StageName = (typeof STAGES)[number]

/** What a stage works on: the products of the first of these stages that is there. */
export const SOURCES: Readonly<Record<StageName, readonly StageName[]>> = {
  reduction: [],
  findstars: ['reduction'],
  astrometry: ['reduction'],
  alignment: ['astrometry', 'reduction'],
  stacking: ['alignment'],
  photometry: ['alignment', 'astrometry', 'reduction'],
  subtraction: ['astrometry', 'alignment', 'reduction'],
  summary: ['subtraction', 'photometry', 'stacking', 'alignment', 'astrometry', 'findstars', 'reduction'],
}

/** What else a stage waits for, when it is there, and reads. */
export const ALSO: Readonly<Partial<Record<StageName, readonly StageName[]>>> = {
  astrometry: ['findstars'],
  alignment: ['findstars'],
  photometry: ['findstars'],
  subtraction: ['stacking', 'findstars'],
  summary: STAGES.filter((name) => name !== 'summary'),
}

/** The key of [Structure of pipeline] that switches a stage. */
const keyOf = (name: StageName) => (name === 'subtraction' ? 'image subtraction' : name)

export const switchedOn = (config: PipelineConfig): StageName[] =>
  STAGES.filter((name) => config['structure of pipeline'][keyOf(name)])

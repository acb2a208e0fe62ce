import type { Request } from '@nightpipe/command'
import type { Sorted } from './frames.js'
import type { ReductionJob } from './plan.js'
import type { ReductionConfig, ReductionSchema } from './schema.js'

/** Says once for all frames what had to be assumed because their headers do not tell it. */
export function tellAssumptions(
  jobs: readonly ReductionJob[],
  { config, profile, log }: Request<ReductionSchema>,
): void {
  const say = (holds: (job: ReductionJob) => boolean, [one, several]: [string, string], text: string) => {
    const frames = jobs.filter(holds).map(({ frame }) => frame.name)
    if (frames.length === 0) return
    const some = frames.length === 1 ? `${frames[0]} ${one}` : `${frames.length} frames (${frames[0]} …) ${several}`
    log.warn(`${some} ${text}`)
  }
  const tell = (holds: (job: ReductionJob) => boolean, text: string) => say(holds, ['tells', 'tell'], text)
  tell(
    ({ frame }) => frame.facts.type === 'unknown',
    `not of what type they are: taken for science frames ([select] types; profile ${profile.name})`,
  )
  tell(
    (job) => isGainAssumed(job, config),
    'no gain: 1 electron per adu assumed, and the noise of the sky as it is (set [parameters] gain)',
  )
  tell(
    (job) => isNoiseTakenFromSky(job, config),
    'no read noise: that of the sky is taken (set [parameters] read noise)',
  )
}

/** Says which shipped profile knows frames of which nobody said the instrument: also of those that without it cannot be reduced. */
export function tellProfiles({ science, calibrations }: Sorted, { log }: Pick<Request<ReductionSchema>, 'log'>): void {
  const frames = [...new Set([...science, ...calibrations])]
  for (const better of new Set(frames.flatMap(({ betterProfile }) => betterProfile ?? []))) {
    const [first, ...more] = frames.filter(({ betterProfile }) => betterProfile === better)
    const some = more.length === 0 ? `${first!.name} belongs` : `${more.length + 1} frames (${first!.name} …) belong`
    log.warn(`${some} to the instrument profile ${better}: set [instrument] profile = ${better}`)
  }
}

function isGainAssumed({ frame: { facts }, flat }: ReductionJob, { parameters }: ReductionConfig): boolean {
  if ((parameters.gain ?? facts.gain ?? flat?.gain) !== undefined) return false
  return facts.amplifiers.some(({ gain }) => gain === undefined)
}

/** Neither the configuration nor a master bias tells it, no header does, and there is no overscan to measure it in. */
function isNoiseTakenFromSky({ frame: { facts }, bias }: ReductionJob, config: ReductionConfig): boolean {
  if (config.parameters['read noise'] !== undefined || bias?.readNoisesAdu?.length) return false
  return facts.amplifiers.some(({ readNoise, overscan }) => {
    if ((readNoise ?? facts.readNoise ?? 0) > 0) return false
    return !overscan || config.overscan.method === 'none'
  })
}

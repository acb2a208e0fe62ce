import { defineCommand, type Job } from '@nightpipe/command'
import { measurePair } from './equal-seeing.js'
import { findStarsOf } from './find-stars.js'
import { matchGroup } from './match-group.js'
import { type AlignmentJob, planAlignment } from './plan.js'
import { resampleFrame } from './resample-frame.js'
import { resampleSome } from './resample-task.js'
import { type AlignmentSchema, schema } from './schema.js'

/** Frames brought on the pixels of one of them. */
export const alignment = defineCommand<AlignmentSchema, AlignmentJob>({
  name: 'alignment',
  summary: 'frames registered on a reference by their stars or their plate solutions, and resampled',
  description:
    'Finds the brightest stars of each frame, chooses the best frame of a group as its reference (or takes the one that ' +
    'is named), and finds how each of the others lies on it: shifted, turned, scaled, mirrored, distorted. Every frame is ' +
    'then resampled on the pixels of the reference, with its error and its mask. A frame that cannot be aligned is set ' +
    'aside with the reason, and the others go on. Products keep the name of their frame; <group>.transforms.fits says how ' +
    'each frame lies on the reference.',
  examples: [
    { run: 'alignment --input reduced/ --output aligned/', doc: 'all frames of a folder, field by field' },
    {
      run: 'alignment -s reduced/ -r aligned/ --set reference.file=deep.fits',
      doc: 'on the pixels of another frame',
    },
    {
      run: 'reduction -s raw/ -r red/ | alignment -s - -r ali/ | stacking -s - -r deep/',
      doc: 'from raw frames to a deep one',
    },
  ],
  schema,
  measurements: [
    { name: 'reference', doc: 'frame on which it is aligned', type: 'text' },
    { name: 'model', doc: 'how it differs from that', type: 'text' },
    { name: 'stars', doc: 'stars found', type: 'integer' },
    { name: 'matched', doc: 'stars in common with the reference', type: 'integer' },
    { name: 'rms_px', unit: 'px', doc: 'weighted rms distance of these after the alignment' },
    { name: 'chance', doc: 'probability that the match is false' },
    { name: 'shift_x_px', unit: 'px', doc: 'where the middle of the reference is in the frame, from the same pixel' },
    { name: 'shift_y_px', unit: 'px', doc: 'likewise' },
    { name: 'rotation_deg', unit: 'deg', doc: 'rotation, from +x to +y' },
    { name: 'scale', doc: 'scale of the frame over that of the reference' },
    { name: 'mirrored', doc: 'whether it is a mirror image', type: 'text' },
    { name: 'overlap', doc: 'part of the new pixels that the frame covers' },
    { name: 'noise_factor', doc: 'noise of large sums over that of the errors of pixels' },
    { name: 'seeing_px', unit: 'px', doc: 'median full width at half maximum, before resampling' },
    { name: 'ellipticity', doc: 'median of 1 - b / a' },
    { name: 'sky', doc: 'median sky, unit of the frame' },
    { name: 'sky_sigma', doc: 'noise of a pixel of the sky, before resampling' },
  ],
  parallel: 'strips',
  plan: planAlignment,
  job(job: Job<AlignmentJob>, tools) {
    const { params } = job
    return params.step === 'match' ? matchGroup(job, params, tools) : resampleFrame(job, params, tools)
  },
  tasks: { findStars: findStarsOf, measurePair, resampleRows: resampleSome },
})

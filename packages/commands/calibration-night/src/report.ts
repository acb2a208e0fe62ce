import type { Night } from './night.js'

/** The night in a few lines, for a mail or a log. */
export function nightText({ frames, candidates }: Night): string {
  if (frames.used === 0 && candidates.length === 0 && frames.rejected.length === 0 && frames.failed.length === 0) {
    return 'No calibration frames were taken.\n'
  }
  const lines = [`${frames.used} frames used, ${frames.rejected.length} set aside, ${frames.failed.length} failed.`, '']
  for (const { master, verdict, reason, meandiff, rmsdiff } of candidates) {
    const figures =
      meandiff === undefined
        ? ''
        : `  mean ${meandiff.toPrecision(3)}, rms ${rmsdiff?.toPrecision(3)} against the one before`
    lines.push(`${verdict.padEnd(9)} ${master}${figures}${reason ? `  (${reason})` : ''}`)
  }
  const set = [
    ...frames.rejected.map((f) => ({ ...f, what: 'set aside' })),
    ...frames.failed.map((f) => ({ ...f, what: 'failed' })),
  ]
  if (set.length > 0) lines.push('', ...set.map(({ what, frame, reason }) => `${what.padEnd(9)} ${frame}: ${reason}`))
  return `${lines.join('\n')}\n`
}

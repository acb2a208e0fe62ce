import type { NightReport } from './report.js'

const safe = (text: unknown) =>
  String(text ?? '').replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!)

const COLOURS: Record<string, string> = {
  done: '#2a7f62',
  kept: '#9db8ad',
  failed: '#b3392c',
  lost: '#c9a227',
  interrupted: '#c9a227',
}

/** The report of a night as one page that needs nothing else: figures, a Gantt chart of the steps, what was lost. */
export function reportPage(report: NightReport): string {
  const { run, started, strategy, version, frames, lost, steps, seconds } = report
  const rows = steps.map(
    (step) =>
      `<tr class="${step.outcome}"><td>${safe(step.group ?? '')}</td><td>${safe(step.stage)}</td><td>${step.outcome}</td><td class="n">${step.frames ?? ''}</td><td class="n">${step.products ?? ''}</td><td class="n">${step.seconds?.toFixed(1) ?? ''}</td><td>${safe(step.reason)}</td></tr>`,
  )
  const losses = lost.map(
    ({ file, status, reason }) => `<tr><td>${safe(file)}</td><td>${status}</td><td>${safe(reason)}</td></tr>`,
  )
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Night report, run ${run}</title>
<style>${STYLE}</style></head><body>
<h1>Night report</h1>
<p>Run ${run}, begun ${safe(started.replace('T', ' ').slice(0, 19))} UTC, strategy ${safe(strategy)}, nightpipe ${safe(version)}.
${frames.found} frames: ${frames.calibrations} calibrations, ${frames.done} done, ${frames.rejected} set aside, ${frames.failed} failed.
${seconds.wall.toFixed(1)} s in all, ${seconds.steps.toFixed(1)} s of steps.</p>
<h2>Steps in time</h2>
<div class="wide">${gantt(report)}</div>
<h2>Steps</h2>
<div class="wide"><table><thead><tr><th>group</th><th>stage</th><th>outcome</th><th>in</th><th>out</th><th>seconds</th><th>reason</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table></div>
${losses.length ? `<h2>Frames set aside or failed</h2><div class="wide"><table><thead><tr><th>frame</th><th>status</th><th>reason</th></tr></thead><tbody>\n${losses.join('\n')}\n</tbody></table></div>` : ''}
</body></html>
`
}

const STYLE = `body{font:16px/1.45 system-ui,sans-serif;margin:1.2rem auto;max-width:70rem;padding:0 1rem;color:#1c2321;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:1.6rem}.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem}
td,th{padding:.25rem .7rem;text-align:left;border-bottom:1px solid #dde3e0;white-space:nowrap}td:last-child{white-space:normal;min-width:12rem}.n{text-align:right}
tr.failed td:nth-child(3),tr.lost td:nth-child(3){color:#b3392c;font-weight:600}svg{display:block}
@media(prefers-color-scheme:dark){body{background:#161a19;color:#dfe6e3}td,th{border-color:#33403b}svg text{fill:#dfe6e3}}`

const [ROW, LEFT, WIDTH] = [22, 260, 900]

/** A bar for each step that this run started, from its start to its end. */
function gantt({ run, steps }: NightReport): string {
  const drawn = steps.filter((step) => step.run === run && step.started && step.ended)
  if (drawn.length === 0) return '<p>Nothing had to be done.</p>'
  const time = (text: string | undefined) => Date.parse(text ?? '') / 1000
  const first = Math.min(...drawn.map((step) => time(step.started)))
  const span = Math.max(...drawn.map((step) => time(step.ended))) - first || 1
  const x = (seconds: number) => LEFT + (seconds / span) * (WIDTH - LEFT - 60)
  const bars = drawn.map((step, k) => {
    const [from, to] = [time(step.started) - first, time(step.ended) - first]
    const y = 24 + k * ROW
    const name = `${step.group ? `${step.group} ` : ''}${step.stage}`
    const bar = `<rect x="${x(from).toFixed(1)}" y="${y - 14}" width="${Math.max(2, x(to) - x(from)).toFixed(1)}" height="16" rx="2" fill="${COLOURS[step.outcome]}"><title>${safe(`${name}: ${to - from} s`)}</title></rect>`
    const label = `<text x="${LEFT - 8}" y="${y}" text-anchor="end">${safe(name.length > 36 ? `…${name.slice(-35)}` : name)}</text>`
    return `${label}${bar}<text x="${(x(to) + 6).toFixed(1)}" y="${y}">${(to - from).toFixed(1)} s</text>`
  })
  const height = 36 + drawn.length * ROW
  return `<svg viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-size="12" font-family="system-ui,sans-serif" role="img" aria-label="Gantt chart of the steps">${bars.join('')}</svg>`
}

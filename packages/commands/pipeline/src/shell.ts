import { Exit, executableOf } from '@nightpipe/command'
import type { NightPlan } from './plan.js'
import type { Step } from './step.js'

/** A word as a POSIX shell takes it. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** The arguments of a step's command, without those that only say how fast it may be. */
export function argumentsOf({ module, lists, folder, set }: Step): string[] {
  const inputs = lists.map((list) => `@${list}`)
  return ['--input', ...inputs, '--output', folder, ...module.args, ...set.flatMap((text) => ['--set', text])]
}

/** The command line of a step, as one would type it. */
export const commandLine = (step: Step): string => [step.module.command, ...argumentsOf(step)].map(quoted).join(' ')

/** The plan as a script for `sh`: the same lists, the same commands, the same products. */
export function shellScript({ steps, strategy }: NightPlan): string {
  const missing = [...new Set(steps.map(({ module }) => module.command))].filter((name) => !isInstalled(name))
  const lines = [
    `# ${steps.length} steps, strategy ${strategy.name}. Commands make only what is missing: run it as often as you like.`,
    'worst=0',
    ...missing.map((name) => `# The command ${name} is not installed.`),
    ...[...new Set(steps.map(({ made }) => made.replace(/\/[^/]*$/, '')))].map(
      (folder) => `mkdir -p ${quoted(folder)}`,
    ),
    ...steps.flatMap(stepLines),
    // the exit code, without an end to the shell that the lines are pasted into
    '',
    '(exit "$worst")',
  ]
  return `${lines.join('\n')}\n`
}

function stepLines(step: Step): string[] {
  const title = ['', `# ${step.stage}${step.group ? ` of ${step.group}` : ''}`]
  const heredoc = step.frames ? [`cat > ${quoted(step.lists[0]!)} <<'END_OF_LIST'`, ...step.frames, 'END_OF_LIST'] : []
  return [...title, ...heredoc, `${commandLine(step)} > ${quoted(step.made)} || worst=${Exit.someFailed}`]
}

function isInstalled(name: string): boolean {
  try {
    return executableOf(name) !== ''
  } catch {
    return false
  }
}

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Conducting, ConfigError, executableOf, runCommand, VERSION } from '@nightpipe/command'
import { type ConfigOf, type commonSchema, loadProfile } from '@nightpipe/config'
import { writeAtomically } from '@nightpipe/files'
import { configIn } from './config-folder.js'
import type { PipelineSchema } from './schema.js'

/** A command as this pipeline calls it, with the configuration that is then in force. */
export interface Module {
  command: string
  /** --config and --set */
  args: string[]
  /** `section.key`, lower case, to value */
  inForce: ReadonlyMap<string, string>
  /** files and folders that its configuration names and that exist */
  paths: string[]
  /** of the configuration in force, with the instrument profile and the version */
  digest: string
}

/**
 * Asks a command what its configuration would be. What is wrong in its INI is told now, before the first frame is
 * touched.
 */
export async function loadModule(
  command: string,
  folder: string | undefined,
  set: readonly string[],
  { config, configPath, signal, output, dryRun }: Conducting<PipelineSchema>,
): Promise<Module> {
  const file = folder && configIn(folder, command)
  const args = file ? ['--config', resolve(file)] : []
  args.push(...set.flatMap((text) => ['--set', text]))
  const { instrument, output: form } = config as unknown as ConfigOf<typeof commonSchema>
  const wished = instrument.profile
  if (form.compress !== 'none') args.push('--set', `output.compress=${form.compress}`)
  if (wished !== 'generic' && !(file && namesProfile(file))) {
    args.push('--set', `instrument.profile=${profilePath(wished, configPath)}`)
  }
  const profileOf = (text: string) =>
    loadProfile(parsePrinted(text).inForce.get('instrument.profile') ?? 'generic', file ? { beside: file } : {})
  const question = questionOf(command, file, args)
  const place = join(output, 'config', `${command}.ini`)
  const known = answered(place, question, profileOf)
  const text = known ?? (await printed(command, args, signal))
  const profile = profileOf(text)
  if (known === undefined && !dryRun) {
    mkdirSync(join(output, 'config'), { recursive: true })
    writeAtomically(
      place,
      `# ${command} as pipeline calls it: the configuration in force\n# ${question} ${sha(profile.canonical)}\n${text}`,
    )
  }
  const { inForce, paths } = parsePrinted(text)
  const lines = [...inForce]
    .filter(([key]) => !key.startsWith('input and output.'))
    .map(([key, value]) => `${key}=${value}`)
  const digest = sha([VERSION, profile.canonical, ...lines.sort()].join('\n'))
  return { command, args, inForce, paths, digest }
}

const sha = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16)

/** Of what was asked: the INI, the values set besides, and the command itself. */
function questionOf(command: string, file: string | undefined, args: readonly string[]): string {
  const bundle = join(executableOf(command), '../../dist/bundle/start.cjs')
  const { mtimeMs = 0 } = statSync(bundle, { throwIfNoEntry: false }) ?? {}
  return sha([VERSION, String(mtimeMs), file ? readFileSync(file, 'utf8') : '', ...args].join('\n'))
}

/** The answer of an earlier run to the same question: commands are started only when they could say something else. */
function answered(
  place: string,
  question: string,
  profileOf: (text: string) => { canonical: string },
): string | undefined {
  if (!existsSync(place)) return undefined
  const text = readFileSync(place, 'utf8')
  const [, asked, profile] = /^# ([0-9a-f]{16}) ([0-9a-f]{16})$/m.exec(text) ?? []
  try {
    return asked === question && sha(profileOf(text).canonical) === profile ? text : undefined
  } catch {
    return undefined // the profile has gone: the command will say so
  }
}

const namesProfile = (file: string) => /^\s*\[\s*instrument\s*\][^[]*^\s*profile\s*=/im.test(readFileSync(file, 'utf8'))

/** A profile in a file is named by its whole path: it lies beside pipeline.cfg, or where we are. */
function profilePath(profile: string, configPath: string | undefined): string {
  if (!/[\\/]|\.ini$/i.test(profile)) return profile
  const beside = configPath && resolve(configPath, '..', profile)
  return beside && existsSync(beside) ? beside : resolve(profile)
}

async function printed(command: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  const { code, products, stderr } = await runCommand(command, ['--print-config', ...args], signal)
  if (code === 0) return `\n${products.join('\n')}\n`
  const lines = stderr.trim().split('\n')
  throw new ConfigError(lines.length > 0 && lines[0] ? lines : `${command} --print-config ended with ${code}`)
}

/** Reads what --print-config prints: values, and which of them are files or folders. */
export function parsePrinted(text: string): Pick<Module, 'inForce' | 'paths'> {
  const inForce = new Map<string, string>()
  const paths: string[] = []
  let [section, meaning] = ['', '']
  for (const line of text.split('\n')) {
    const head = /^\[(.*)\]$/.exec(line)?.[1]
    const pair = /^([^#=]+?) = (.*)$/.exec(line)
    if (head !== undefined) section = head.toLowerCase()
    else if (line.startsWith('#'))
      meaning = line.startsWith('# from') || line === '# default' ? meaning : `${meaning}${line.slice(1)}`
    else if (pair) {
      const value = /^".*"$/.test(pair[2]!) ? String(JSON.parse(pair[2]!)) : pair[2]!
      inForce.set(`${section}.${pair[1]!.toLowerCase()}`, value)
      if (/a file or folder$/.test(meaning) && value && existsSync(value)) paths.push(resolve(value))
      meaning = ''
    } else meaning = ''
  }
  return { inForce, paths }
}

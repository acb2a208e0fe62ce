import { createHash } from 'node:crypto'
import { accessSync, constants, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import {
  type ConfigInForce,
  type ConfigOf,
  type commonSchema,
  loadConfig,
  profileRecogniser,
  type Schema,
  withCommon,
} from '@nightpipe/config'
import { ConfigError, expandInputs, explainSystemError, type InputFile, systemCode } from '@nightpipe/files'
import type { Compression } from '@nightpipe/fits'
import { DEFAULT_MEMORY, type Flags, parseMemory } from './flags.js'
import { isOwnProduct } from './provenance.js'
import type { Recognised } from './recognise.js'
import { calledAs } from './subcommands.js'
import type { Command, Context, Request } from './types.js'
import { VERSION } from './version.js'

type Common = ConfigOf<typeof commonSchema>

/** The schema of a command with the sections that every INI has. */
export const fullSchema = (command: Pick<Command, 'schema'>): Schema => withCommon(command.schema)

/**
 * The configuration in force: the flags of a command that are short for --set come last and win. Where neither they nor
 * the INI name an instrument profile, it is that of the tree, else the `recognised` one.
 */
export function configOf(command: Command, flags: Flags, recognised?: Recognised): ConfigInForce<Schema> {
  const set = [...((flags.set as string[]) ?? [])]
  for (const [name, { config }] of Object.entries(command.flags ?? {})) {
    const value = flags[name]
    if (config && value !== undefined) set.push(`${config}=${value === true ? 'yes' : value === false ? 'no' : value}`)
  }
  const file = configFileOf(command, flags)
  const profile = profileOfTree(flags) ?? recognised
  const config = loadConfig(fullSchema(command), { file, set, profile })
  const { output } = config.values as Common
  // Wished on the command line, while the INI does not say how: Rice, which everybody reads.
  if (!flags.compress || output.compress !== 'none') return config
  return loadConfig(fullSchema(command), { file, set: [...set, 'output.compress=RICE_1'], profile })
}

/** Who works in the tree of a spectrograph means the profile that its config/tree.ini names, or the shipped one that knows it (nres03). */
function profileOfTree({ tree, root, site, 'nres-instrument': given }: Flags): Recognised | undefined {
  const name = given ?? (tree && basename(dirname(resolve(String(tree)))))
  if (!name) return undefined
  const folder = tree ? String(tree) : join(String(root ?? '.'), String(site ?? ''), String(name), 'reduced')
  const path = join(folder, 'config', 'tree.ini')
  const said = existsSync(path) ? /^\s*profile\s*=\s*(\S+)/m.exec(readFileSync(path, 'utf8'))?.[1] : undefined
  if (said) return { name: said, origin: path }
  const known = profileRecogniser()((keyword) => (keyword === 'INSTRUME' ? String(name) : undefined))
  return known === undefined ? undefined : { name: known, origin: `the tree of ${name}` }
}

/** The INI of a call; undefined when none is given. */
export function configFileOf(command: Command, { config }: Flags): string | undefined {
  const given = config as string | undefined
  return given !== undefined && command.configFile ? command.configFile(given) : given
}

export function contextOf(command: Command, config: ConfigInForce<Schema>): Context {
  const configText = config.canonical()
  const configDigest = createHash('sha256').update(configText).digest('hex').slice(0, 32)
  const context: Context = { command: calledAs(command), version: VERSION, configText, configDigest }
  const compress = compressionOf((config.values as Common).output)
  return compress ? { ...context, compress } : context
}

function compressionOf(output: Common['output']): Compression | undefined {
  if (output.compress === 'none') return undefined
  const quantize = { level: output.quantize, dither: output.dither, seed: output['dither seed'] }
  return { type: output.compress, ...(output.quantize > 0 ? { quantize } : {}) }
}

export function workersOf(flags: Flags): number {
  const workers = (flags.workers as number | undefined) ?? availableParallelism()
  if (workers < 1 || workers > 1024) throw new ConfigError(`--workers ${workers}: expected 1 to 1024`)
  return workers
}

export const memoryOf = (flags: Flags): number => parseMemory((flags.memory as string | undefined) ?? DEFAULT_MEMORY)

export interface OutputFolder {
  /** as a person gave it */
  shown: string
  path: string
}

/** As the person would write it: below the output folder as it was given. */
export const shownPath = (path: string, { shown, path: folder }: OutputFolder) => {
  const inside = relative(folder, path)
  return inside.startsWith('..') ? path : join(shown, inside)
}

/** The flags that are the command's own. */
export const ownFlags = (command: Command, flags: Flags): Request['flags'] =>
  Object.fromEntries(Object.keys(command.flags ?? {}).map((name) => [name, flags[name]]))

/** --output, or [Input and Output] output; made now unless this is a dry run. */
export function outputOf(command: Command, flags: Flags, config: ConfigInForce<Schema>, dryRun: boolean): OutputFolder {
  const common = (config.values as Common)['input and output'].output
  if (command.prints) return { shown: '.', path: resolve('.') } // nothing is written: it need not be ours
  const shown =
    (flags.output as string | undefined) ??
    (common || command.outputFolder?.(config.values as never, ownFlags(command, flags)))
  if (!shown) throw new ConfigError('no output folder', 'give --output DIR, or output under [Input and Output]')
  const path = resolve(shown)
  // The nearest part of the path that exists must be a folder that we may write in.
  let existing = path
  while (!existsSync(existing)) existing = dirname(existing)
  if (!statSync(existing).isDirectory()) {
    throw new ConfigError(`output ${shown}: ${existing} is a file, not a folder`, 'choose another --output')
  }
  try {
    accessSync(existing, constants.W_OK | constants.X_OK)
    if (!dryRun) makeFolders(path)
  } catch (error) {
    const { message, advice } = explainSystemError(error, 'write in', shown) as ConfigError
    throw new ConfigError(message, advice ?? 'choose another --output', { cause: error })
  }
  return { shown, path }
}

/** One after the other: where the system says of a new folder that its parent is not there (/proc), Node 20 tries for ever. */
function makeFolders(path: string): void {
  if (existsSync(path)) return
  makeFolders(dirname(path))
  try {
    mkdirSync(path)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error // made by somebody else meanwhile
  }
}

/** What --input, or [Input and Output] input, names. */
export const givenInputs = (flags: Flags, config: ConfigInForce<Schema>): string[] =>
  (flags.input as string[] | undefined) ?? (config.values as Common)['input and output'].input

/** --input, or [Input and Output] input, as files; without those that this command itself made in the output folder. */
export async function inputsOf(command: Command, flags: Flags, config: ConfigInForce<Schema>, output: string) {
  if (command.inputs === 'none') return []
  const given = givenInputs(flags, config)
  if (given.length === 0 && command.inputs !== 'optional') {
    throw new ConfigError('no input', 'give --input PATH, or input under [Input and Output]')
  }
  const options = {
    allowEmpty: command.inputs === 'optional',
    ...(command.extensions ? { extensions: command.extensions } : {}),
    ...(given.includes('-') ? { stdin: await standardInput() } : {}),
  }
  const files = expandInputs(given, options)
  const kept = files.filter((file) => !isOursInOutput(calledAs(command), file, output, given))
  return kept
}

/**
 * With the output folder inside the input folder a second run would take the products of the first for frames. Files in
 * the output folder count as inputs when they were named, or when another command made them there.
 */
function isOursInOutput(command: string, file: InputFile, output: string, given: readonly string[]): boolean {
  if (!file.path.startsWith(output + sep)) return false
  const above = given.filter((argument) => (output + sep).startsWith(resolve(argument) + sep))
  if (above.some((argument) => resolve(argument) !== output)) return true
  return above.length > 0 && isOwnProduct(file.path, command)
}

async function standardInput(): Promise<string> {
  if (process.stdin.isTTY) throw new ConfigError('--input -: standard input is a terminal', 'pipe paths into it')
  const pieces: Buffer[] = []
  for await (const piece of process.stdin) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString('utf8')
}

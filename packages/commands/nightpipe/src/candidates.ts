import type { Description } from '@nightpipe/command'
import { executables } from './commands.js'
import { describeExecutable } from './describe.js'
import type { Verb } from './verb.js'

type Candidate = [word: string, doc: string]
interface Candidates {
  more: 'words' | 'files' | 'folders'
  candidates: Candidate[]
}

const only = (candidates: Candidate[], typed: string): Candidates => ({
  more: 'words',
  candidates: candidates.filter(([word]) => word.startsWith(typed)),
})

/** `words` begins with the program: `nightpipe` or the name of a command. */
export function candidatesFor(words: readonly string[], verbs: readonly Verb[]): Candidates {
  const [program, ...rest] = words
  const typed = words.at(-1) ?? ''
  if (program !== 'nightpipe') return forCommand(program ?? '', rest)
  const [first, ...args] = rest
  if (args.length === 0) return only(firstWords(verbs), typed)
  const verb = verbs.find(({ name }) => name === first)
  if (!verb) return forCommand(first ?? '', args)
  if (verb.name === 'help') return only(firstWords(verbs), typed)
  if (typed.startsWith('-')) return only(flagsOfVerb(verb), typed)
  if (verb.name === 'completion')
    return only(
      ['bash', 'zsh', 'fish'].map((shell) => [shell, '']),
      typed,
    )
  if (verb.name === 'tables' && args.length === 1)
    return only(
      [
        ['check', ''],
        ['show', ''],
        ['choose', ''],
      ],
      typed,
    )
  return { more: 'files', candidates: [] }
}

function firstWords(verbs: readonly Verb[]): Candidate[] {
  const own = verbs.filter(({ hidden }) => !hidden).map(({ name, summary }): Candidate => [name, summary])
  const commands = executables()
  return [...commands.map(({ name, summary }): Candidate => [name, summary]), ...own, ['--help', ''], ['--version', '']]
}

const flagsOfVerb = (verb: Verb) => [
  ...Object.entries(verb.flags).map(([name, { doc }]): Candidate => [`--${name}`, doc]),
  ['--help', 'how to use it'] as Candidate,
]

function forCommand(name: string, words: readonly string[]): Candidates {
  if (!executables().some((one) => one.name === name)) return { more: 'files', candidates: [] }
  const [first, ...others] = describeExecutable(name) as [Description, ...Description[]]
  if (others.length === 0 && first.name === name) return forFlags(first, words)
  const family = [first, ...others].map((about) => ({ about, word: about.name.slice(name.length + 1) }))
  const [word, ...args] = words
  if (args.length === 0)
    return only(
      family.map(({ about, word }) => [word, about.summary]),
      word ?? '',
    )
  const chosen = family.find((one) => one.word === word)
  return chosen ? forFlags(chosen.about, args) : { more: 'files', candidates: [] }
}

function forFlags(about: Description, args: readonly string[]): Candidates {
  const typed = args.at(-1) ?? ''
  const flag = flagBefore(about, args)
  if (!flag)
    return typed.startsWith('-') || typed === '' ? only(flagsOf(about), typed) : { more: 'files', candidates: [] }
  if (flag.name === 'set') return only(settings(about, typed), typed)
  if (flag.choices)
    return only(
      flag.choices.map((choice) => [choice, '']),
      typed,
    )
  if (flag.name === 'output' || flag.placeholder === 'DIR') return { more: 'folders', candidates: [] }
  if (flag.type === 'flag') return only(flagsOf(about), typed)
  return { more: 'files', candidates: [] }
}

const flagsOf = (about: Description) => about.flags.map(({ name, doc }): Candidate => [`--${name}`, doc])

/** The flag whose value is being typed: the last one on the line, when it takes one (or several, as --input does). */
function flagBefore(about: Description, args: readonly string[]): Description['flags'][number] | undefined {
  if (args.at(-1)?.startsWith('-')) return undefined
  for (let i = args.length - 2; i >= 0; i--) {
    const [, dashes, word] = /^(--?)([^=]+)/.exec(args[i]!) ?? []
    if (!dashes || !word) continue
    const flag = about.flags.find(({ name, alias }) => (dashes === '--' ? name : alias) === word)
    const many = flag?.type === 'list'
    return flag && flag.type !== 'flag' && (many || i === args.length - 2) ? flag : undefined
  }
  return undefined
}

/** `section.key=` for --set, and behind the equals sign the values that a choice or a flag allows. */
function settings(about: Description, typed: string): Candidate[] {
  const word = (text: string) => text.replaceAll(' ', '-')
  return about.config.flatMap(({ section, key, doc, expects, choices }) => {
    if (key === 'ANY') return []
    const name = `${word(section.replace('[.WORD]', ''))}.${word(key)}=`
    if (!typed.startsWith(name)) return [[name, `${doc}: ${expects}`] as Candidate]
    return choices.map((choice): Candidate => [name + choice, ''])
  })
}

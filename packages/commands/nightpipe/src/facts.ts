import { basename } from 'node:path'
import {
  describeFrame,
  type FrameFacts,
  formatSection,
  type InstrumentProfile,
  loadProfile,
  profileRecogniser,
} from '@nightpipe/config'
import { expandInputs, type InputFile } from '@nightpipe/files'
import { cardLookup, imageHdu, openFits } from '@nightpipe/fits'
import { alignColumns } from '@nightpipe/table'
import { print } from './print.js'
import type { Verb } from './verb.js'

export const facts: Verb = {
  name: 'facts',
  usage: 'facts FRAME… [--profile NAME] [--details | --json]',
  summary: 'what frames are, as an instrument profile reads their headers',
  description: `Frames, folders, globs or @lists. One frame is told in detail, with the keyword that each fact came from; several as a
table, with what was odd below it. --profile is a name in configs/instruments or an INI file: this is how a profile for
a new camera is tried. Exit 5 when some frames cannot be read, 3 when none can.`,
  flags: {
    profile: { type: 'string', placeholder: 'NAME', doc: 'instrument profile instead of generic' },
    details: { type: 'boolean', doc: 'all facts of every frame, and where they came from' },
    json: { type: 'boolean', doc: 'one JSON object a line' },
  },
  words: { least: 1, most: Number.POSITIVE_INFINITY },
  run({ words, flags }) {
    const profile = loadProfile((flags.profile as string | undefined) ?? 'generic')
    const inputs = expandInputs(words)
    const recognise = profile.name === 'generic' ? profileRecogniser() : () => undefined
    const frames = inputs.map((input) => readFrame(input, profile, recognise))
    const read = frames.filter((frame) => frame.facts !== undefined)
    if (flags.json) print(frames.map((frame) => `${JSON.stringify(frame)}\n`).join(''))
    else if (flags.details || (frames.length === 1 && read.length === 1)) print(read.map(detailsOf).join('\n'))
    else if (read.length) print(tableOf(read) + notesOf(read))
    for (const { file, error } of frames)
      if (error) process.stderr.write(`nightpipe: ${error.includes(basename(file)) ? error : `${file}: ${error}`}\n`)
    return read.length === frames.length ? 0 : read.length ? 5 : 3
  },
}

interface Read {
  file: string
  facts: FrameFacts
  error?: undefined
}
interface Unread {
  file: string
  facts?: undefined
  error: string
}

function readFrame(
  { path, shown }: InputFile,
  profile: InstrumentProfile,
  recognise: ReturnType<typeof profileRecogniser>,
): Read | Unread {
  try {
    const file = openFits(path)
    try {
      const hdu = imageHdu(file)
      const [width, height] = hdu.axes
      const lookup = cardLookup(hdu)
      const facts = describeFrame(lookup, profile, { width, height, name: path })
      const better = recognise(lookup)
      const advice = better ? [`looks like a frame of the profile ${better}: try --profile ${better}`] : []
      return { file: shown, facts: { ...facts, notes: [...facts.notes, ...advice] } }
    } finally {
      file.close()
    }
  } catch (error) {
    return { file: shown, error: (error as Error).message }
  }
}

const number = (value: number | undefined, digits = 6): string =>
  value === undefined ? '' : String(Number(value.toPrecision(digits)))

const HEADER = [
  'file',
  'type',
  'instrument',
  'filter',
  'seconds',
  'bin',
  'gain',
  'noise',
  'saturation',
  'date',
  'object',
]

function tableOf(frames: readonly Read[]): string {
  const rows = frames.map(({ file, facts: f }) => [
    file,
    f.type,
    f.instrument,
    f.filter ?? '',
    number(f.exposureSeconds),
    f.binning.join('x'),
    number(f.gain),
    number(f.readNoise),
    number(f.saturation),
    f.date?.slice(0, 19) ?? '',
    f.object ?? '',
  ])
  return alignColumns([HEADER, ...rows])
}

/** What was odd, the same remark once. */
function notesOf(frames: readonly Read[]): string {
  const counts = new Map<string, number>()
  for (const { facts: f } of frames) {
    for (const note of f.unfit ? [...f.notes, f.unfit] : f.notes) counts.set(note, (counts.get(note) ?? 0) + 1)
  }
  const lines = [...counts].map(
    ([note, count]) => `${count === frames.length ? 'all' : `${count} of ${frames.length}`}: ${note}\n`,
  )
  return lines.length ? `\n${lines.join('')}` : ''
}

function detailsOf({ file, facts: f }: Read): string {
  const from = f.sources
  const unit = (value: number | undefined, name: string) => (value === undefined ? '-' : `${number(value, 9)} ${name}`)
  const position = f.raDeg === undefined ? '-' : `${f.raDeg.toFixed(6)} ${f.decDeg!.toFixed(6)} deg`
  const amplifiers = f.amplifiers.length > 1 ? f.amplifiers : []
  const rows: [string, string | undefined, string?][] = [
    ['type', f.type, from.type],
    ['instrument', f.instrument, from.instrument],
    ['camera', f.camera, from.camera],
    ['telescope', f.telescope, from.telescope],
    ['site', f.site, from.site],
    ['object', f.object, from.object],
    ['filter', f.filter, from.filter],
    ['exposure', unit(f.exposureSeconds, 's'), from.exposure],
    ['start', f.date && `${f.date} UTC`, from.date],
    ['position', position, from.position],
    ['pixel scale', unit(f.pixelScaleArcsec, 'arcsec/px'), from['pixel scale']],
    ['gain', unit(f.gain, 'e/ADU'), from.gain],
    ['read noise', unit(f.readNoise, 'e'), from['read noise']],
    ['saturation', unit(f.saturation, 'ADU'), from.saturation],
    ['binning', f.binning.join(' x '), from.binning],
    ['read mode', f.readMode, from['read mode']],
    ['data', formatSection(f.data), from['data section']],
    ...f.overscan.map((section): [string, string, string?] => [
      'overscan',
      formatSection(section),
      from['overscan section'],
    ]),
    ...amplifiers.map((a): [string, string] => [
      `amplifier ${a.name}`,
      `${formatSection(a.data)} ${unit(a.gain, 'e/ADU')} ${unit(a.readNoise, 'e')}`,
    ]),
    ['orientation', f.orientation, from.orientation],
    ...(f.unfit ? [['unfit', f.unfit] as [string, string]] : []),
  ]
  const table = alignColumns(
    rows.map(([fact, value, source]) => [`  ${fact}`, value ?? '-', source ?? '']),
    { header: false },
  )
  return `${file}\n${table}${f.notes.map((note) => `  note: ${note}\n`).join('')}`
}

import { EXIT_CODES, VERSION } from '@nightpipe/command'

const SUMMARY = 'what differs between two FITS files, or two folders of them, within tolerances'
const DESCRIPTION =
  'Compares headers (values, not order or comments), every pixel in physical units and every table cell, and prints a ' +
  'line for each thing that differs. How bytes are stored does not count: a compressed file equals its uncompressed twin. ' +
  'With two folders, files of the same name are compared. Exit code 0 when they are the same, 4 when they differ.'

export const FLAGS = [
  {
    name: 'absolute',
    type: 'number',
    alias: 'a',
    placeholder: 'X',
    doc: 'numbers are the same within this distance (default: 0)',
  },
  {
    name: 'relative',
    type: 'number',
    alias: 'r',
    placeholder: 'X',
    doc: '… plus this fraction of the larger (default: 0)',
  },
  {
    name: 'ignore',
    type: 'list',
    alias: 'i',
    placeholder: 'KEYWORD…',
    doc: "keywords that are not compared; '*' stands for any letters",
  },
  { name: 'json', type: 'flag', doc: 'one JSON object a line for each difference' },
  { name: 'quiet', type: 'flag', alias: 'q', doc: 'print nothing: the exit code is the answer' },
  { name: 'help', type: 'flag', alias: 'h', doc: 'this text' },
  { name: 'version', type: 'flag', doc: 'the version of the toolkit' },
] as const

const USAGE = 'fits-compare A B [flags]'
const EXAMPLES = [
  { run: 'fits-compare reduced/a.fits reference/a.fits', doc: 'must be the same in every bit of meaning' },
  { run: "fits-compare new/ old/ --relative 1e-6 --ignore DATE 'NP_*'", doc: 'two folders, to float32 precision' },
]

/** All of this in plain data, for the manual and completion. */
export const description = () => ({
  ...{
    name: 'fits-compare',
    version: VERSION,
    summary: SUMMARY,
    description: DESCRIPTION,
    usage: USAGE,
    examples: EXAMPLES,
  },
  ...{ flags: FLAGS.map((flag) => ({ common: false, ...flag })), config: [], measurements: [], tables: [], sample: '' },
  exitCodes: EXIT_CODES.map(([code, meaning]) => ({ code, meaning })).filter(({ code }) =>
    [0, 1, 2, 3, 4].includes(code),
  ),
})

export function helpText(): string {
  const flags = FLAGS.map((flag) => {
    const alias = 'alias' in flag ? `-${flag.alias}, ` : '    '
    const value = 'placeholder' in flag ? ` ${flag.placeholder}` : ''
    return `  ${alias}${`--${flag.name}${value}`.padEnd(24)}${flag.doc}`
  })
  const examples = EXAMPLES.flatMap(({ run, doc }) => [`  # ${doc}`, `  ${run}`])
  const text = DESCRIPTION.replace(/(.{1,96})(\s+|$)/g, '$1\n').trimEnd()
  return [
    `fits-compare: ${SUMMARY}`,
    '',
    `  ${USAGE}`,
    '',
    text,
    '',
    'Examples',
    ...examples,
    '',
    'Flags',
    ...flags,
    '',
  ].join('\n')
}

import t, { type Test } from 'tap'
import {
  ConfigError,
  choice,
  flag,
  integer,
  list,
  loadConfig,
  number,
  numbers,
  path,
  type Schema,
  section,
  text,
} from '../src/index.js'

/** Loads an INI text, and gives the problems where it is refused. */
function load<S extends Schema>(t: Test, schema: S, content: string, set: string[] = []) {
  const folder = t.testdir({ 'night.ini': content })
  return loadConfig(schema, { file: `${folder}/night.ini`, set })
}
function problems(t: Test, schema: Schema, content: string | Buffer, set: string[] = []): string[] {
  const folder = t.testdir({ 'night.ini': content })
  try {
    loadConfig(schema, { file: `${folder}/night.ini`, set })
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    t.equal(error.message, error.problems[0])
    t.ok(error.problems.every((problem) => !problem.includes('\n')))
    return error.problems.map((problem) => problem.replace(`${folder}/`, ''))
  }
}

const schema = {
  combine: {
    clip: number(3, 'reject further than this', { unit: 'sigma', min: 0, alias: ['kappa'] }),
    minimum: integer(3, 'fewest frames', { min: 2, max: 99 }),
    method: choice('median', ['median', 'mean', 'clipped mean'], 'how', { synonyms: { average: 'mean' } }),
    cosmics: flag(true, 'reject cosmic rays'),
    steps: numbers([1, 2.5], 'steps', { unit: 'px' }),
    fields: list(['M 67'], 'fields'),
    flat: path('', 'the flat'),
    title: text('a night', 'title'),
  },
}

t.test('every kind of value is read', async (t) => {
  const { values } = load(
    t,
    schema,
    `[combine]
clip = 2.5e0
minimum=+7
method = Clipped Mean
cosmics = Off
steps = 1, 2,3.5,
fields = M 31 , NGC 224
flat = /data/flat.fits
title = "a # b; c = d \\\\ \\"e\\""
`,
  )
  t.same(values.combine, {
    clip: 2.5,
    minimum: 7,
    method: 'clipped mean',
    cosmics: false,
    steps: [1, 2, 3.5],
    fields: ['M 31', 'NGC 224'],
    flat: '/data/flat.fits',
    title: 'a # b; c = d \\ "e"',
  })
})

t.test('yes and no in all their words', async (t) => {
  for (const word of ['yes', 'Yes', 'TRUE', 'on', '1'])
    t.equal(load(t, schema, `[combine]\ncosmics=${word}`).values.combine.cosmics, true)
  for (const word of ['no', 'NO', 'False', 'off', '0'])
    t.equal(load(t, schema, `[combine]\ncosmics=${word}`).values.combine.cosmics, false)
})

t.test('a synonym of a choice and an alias of a key are read', async (t) => {
  const { values } = load(t, schema, '[combine]\nmethod = AVERAGE\nkappa = 5\n')
  t.equal(values.combine.method, 'mean')
  t.equal(values.combine.clip, 5)
})

t.test('an empty text and an empty list are values', async (t) => {
  const { values } = load(t, schema, '[combine]\ntitle =\nfields =\t\n')
  t.equal(values.combine.title, '')
  t.same(values.combine.fields, [])
})

t.test('values that an INI reader changes in silence keep their text', async (t) => {
  for (const word of ['true', 'null', '007', '1e3', '[1,2]', '__proto__', 'a.b.c', "it's", 'C:\\data']) {
    t.equal(load(t, schema, `[combine]\ntitle = ${word}\n`).values.combine.title, word)
  }
  t.equal(load(t, schema, "[combine]\ntitle = '1e3 # x'\n").values.combine.title, '1e3 # x')
})

t.test('what is wrong is said with file, line and what was expected', async (t) => {
  const cases: [string, string][] = [
    ['[combine]\nclip = three', "night.ini:2: [combine] clip is 'three', expected a number in sigma, at least 0"],
    ['[combine]\nclip = 3 sigma', "night.ini:2: [combine] clip is '3 sigma', expected a number in sigma, at least 0"],
    ['[combine]\nclip =', 'night.ini:2: [combine] clip is nothing, expected a number in sigma, at least 0'],
    ['[combine]\nclip = -1', "night.ini:2: [combine] clip is '-1', expected a number in sigma, at least 0"],
    ['[combine]\nclip = NaN', "night.ini:2: [combine] clip is 'NaN', expected a number in sigma, at least 0"],
    ['[combine]\nclip = 1e999', "night.ini:2: [combine] clip is '1e999', expected a number in sigma, at least 0"],
    ['[combine]\nclip = 0x10', "night.ini:2: [combine] clip is '0x10', expected a number in sigma, at least 0"],
    ['[combine]\nminimum = 2.5', "night.ini:2: [combine] minimum is '2.5', expected a whole number, from 2 to 99"],
    ['[combine]\nmethod = mode', "night.ini:2: [combine] method is 'mode', expected one of median, mean, clipped mean"],
    ['[combine]\ncosmics = maybe', "night.ini:2: [combine] cosmics is 'maybe', expected yes or no"],
    [
      '[combine]\nsteps = 1, two',
      "night.ini:2: [combine] steps is '1, two', expected numbers in px, separated by commas",
    ],
    ['[combine]\nfields = a,,b', "night.ini:2: [combine] fields is 'a,,b', expected words separated by commas"],
    ['[combine]\nclip\n', "night.ini:2: 'clip' is neither 'key = value' nor '[section]'"],
    ['[combine]\nclip: 3\n', "night.ini:2: 'clip: 3' is neither 'key = value' nor '[section]'"],
    ['[combine]\n = 3\n', "night.ini:2: '= 3' has no key before '='"],
    ['clip = 3\n', "night.ini:1: 'clip' stands before the first [section]"],
    ['[combine\nclip = 3\n', "night.ini:1: '[combine' opens no section (expected '[section]')"],
    ['[]\n', "night.ini:1: '[]' opens no section (expected '[section]')"],
    ['[combine] # here\n', "night.ini:1: '[combine] # here' opens no section (put the comment on a line of its own)"],
    ['[combine]\nclip = 3\n\nCLIP=4\n', "night.ini:4: key 'CLIP' of [combine] is given again (first on line 2)"],
    [
      '[combine]\n[Combine]\n',
      'night.ini:2: section [Combine] appears again (first on line 1; keep its keys together)',
    ],
    [
      '[combine]\nclip = 3 # sigma',
      "night.ini:2: the value would be cut at '#' (put a comment on a line of its own, or the value in double quotes)",
    ],
    [
      '[combine]\ntitle = a;b',
      "night.ini:2: the value would be cut at ';' (put a comment on a line of its own, or the value in double quotes)",
    ],
    ['[combine]\ntitle = "open', 'night.ini:2: "open is not closed by " at the end of the line'],
    ['[combine]\ntitle = "C:\\data"', 'night.ini:2: "C:\\data": in double quotes write \\\\ for \\ and \\" for "'],
    ['[combin]\nclip = 3', 'night.ini:1: unknown section [combin], did you mean [combine]? (known: combine)'],
    ['[stack]\nclip = 3', 'night.ini:1: unknown section [stack] (known: combine)'],
    [
      '[combine]\nclp = 3',
      "night.ini:2: unknown key 'clp' in [combine], did you mean 'clip'? (known: clip, minimum, method, cosmics, steps, fields, flat, title)",
    ],
  ]
  for (const [content, message] of cases) t.equal(problems(t, schema, content)[0], message)
})

t.test('all problems of a file are told at once', async (t) => {
  const found = problems(t, schema, '[combine]\nclip = x\nnonsense\nsigma = 2\n[other]\nz = 1\n', ['combine.minimum=1'])
  t.equal(found.length, 5)
  t.match(found.at(-1), /^--set: \[combine\] minimum is '1', expected a whole number, from 2 to 99$/)
})

t.test('a key of another section is sent there', async (t) => {
  const two = { ...schema, output: { level: number(1, 'level') } }
  t.match(
    problems(t, two, '[output]\nminimum = 3')[0],
    /unknown key 'minimum' in \[output\], it belongs in \[combine\]/,
  )
})

t.test('a required key is missed with its unit', async (t) => {
  const needs = {
    detector: {
      gain: number(undefined, 'gain', { unit: 'e/ADU', min: 0 }),
      note: number(undefined, 'x', { optional: true }),
    },
  }
  t.same(problems(t, needs, '[detector]\n'), [
    'night.ini: [detector] gain is missing, expected a number in e/ADU, at least 0',
  ])
  t.same(load(t, needs, '[detector]\ngain = 2').values, { detector: { gain: 2, note: undefined } })
})

t.test('a file that is no INI is refused in one line', async (t) => {
  t.match(
    problems(t, schema, Buffer.from([83, 73, 77, 0, 1, 2, 255]))[0],
    /night.ini: this is not an INI file \(it holds binary data\)/,
  )
  t.match(problems(t, schema, `[combine]\n${'#'.repeat(1 << 20)}`)[0], /more than 1 MB/)
  t.throws(() => loadConfig(schema, { file: '/nowhere/night.ini' }), {
    name: 'ConfigError',
    message: '/nowhere/night.ini: no such file',
  })
  t.throws(() => loadConfig(schema, { file: t.testdir({}) }), { name: 'ConfigError', message: /: is a folder$/ })
})

t.test('line ends of any system and a byte order mark do not matter', async (t) => {
  t.equal(load(t, schema, '\uFEFF[combine]\r\nclip = 4\r\n').values.combine.clip, 4)
  t.equal(load(t, schema, '[combine]\rclip = 4\r').values.combine.clip, 4)
  t.match(problems(t, schema, '[combine]\r\n\r\nclip = x\r\n')[0], /^night.ini:3:/)
})

t.test('--set is checked like the file, and names with blanks and dots in section names work', async (t) => {
  const limits = {
    'input and output': { input: text('', 'input') },
    limits: section('limits', { high: number(2, 'high') }, { pattern: true }),
  }
  const { values, origin } = load(t, limits, '', ['Input and Output.input=/a.b/c=d', 'limits.dark.C1.high = 5'])
  t.equal(values['input and output'].input, '/a.b/c=d')
  t.same(values.limits, { '': { high: 2 }, 'dark.C1': { high: 5 } })
  t.equal(origin('input and output', 'input'), '--set')
  t.match(problems(t, limits, '', ['high']), ['--set high: expected section.key=value'])
  t.match(problems(t, limits, '', ['limit.high=3']), [/--set: unknown section \[limit\], did you mean \[limits\]/])
})

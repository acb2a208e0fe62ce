import t from 'tap'
import { ConfigError, freeSection, integer, loadConfig, number, text, withCommon } from '../src/index.js'

const schema = withCommon({
  combine: {
    clip: number(3, 'reject samples further than this from the median', { unit: 'sigma', min: 0 }),
    minimum: integer(3, 'refuse to stack fewer frames than this', { min: 2 }),
  },
})

t.test('the example of the style guide: an unknown key names file, line and the known ones', async (t) => {
  const file = `${t.testdir({ 'night.ini': '\n\n[combine]\nclip = 4\n\n\nsigma = 3\n' })}/night.ini`
  try {
    loadConfig(schema, { file })
    t.fail('an unknown key is accepted')
  } catch (error) {
    t.ok(error instanceof ConfigError)
    t.equal((error as ConfigError).message, `${file}:7: unknown key 'sigma' in [combine] (known: clip, minimum)`)
  }
})

t.test('defaults, then the file, then --set', async (t) => {
  const file = `${t.testdir({ 'night.ini': '[combine]\nclip = 4\n' })}/night.ini`
  const { values } = loadConfig(schema, { file, set: ['combine.minimum=5'] })
  t.same(values.combine, { clip: 4, minimum: 5 })
  t.equal(loadConfig(schema).values.combine.clip, 3)
})

t.test('keys of free sections may have dots, in a file and in --set', async (t) => {
  const free = withCommon({
    'a module': freeSection('what it does otherwise', text('', 'value')),
    combine: schema.combine,
  })
  const file = `${t.testdir({ 'night.ini': '[a module]\ncosmic rays.method = none\nframe.unit = adu\n' })}/night.ini`
  const { values } = loadConfig(free, { file, set: ['a module.frame.unit=electron', 'combine.clip=2'] })
  t.same(values['a module'], { 'cosmic rays.method': 'none', 'frame.unit': 'electron' })
  t.equal(values.combine.clip, 2)
  t.throws(() => loadConfig(free, { set: ['another.frame.unit=adu'] }), /--set: unknown section \[another\.frame\]/)
  t.throws(() => loadConfig(free, { set: ['combine.clip.unit=adu'] }), /--set: unknown section \[combine\.clip\]/)
})

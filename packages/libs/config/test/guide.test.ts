import { readFileSync } from 'node:fs'
import { REPOSITORY } from '@nightpipe/testing'
import t from 'tap'
import { describeFrame, describeSchema, headerFor, loadProfile } from '../src/index.js'
import { profileSchema } from '../src/profile-schema.js'

const guide = readFileSync(`${REPOSITORY}/docs/guide/instruments.md`, 'utf8')
const block = (language: string) => new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(guide)![1]

t.test('the example of the guide is read as the guide says', async (t) => {
  const file = `${t.testdir({ 'mycam.ini': block('ini') })}/mycam.ini`
  const cards = new Map(
    block('fits')
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const [, keyword, value] = /^(\S+) *= *('[^']*'|\S+)/.exec(line)!
        return [keyword, value.startsWith("'") ? value.slice(1, -1) : Number(value)] as const
      }),
  )
  const profile = loadProfile(file)
  const size = { width: 2148, height: 2048 }
  const facts = describeFrame((keyword) => cards.get(keyword), profile, size)
  t.match(facts, {
    type: 'object',
    instrument: 'OF2',
    filter: 'r',
    exposureSeconds: 120,
    gain: 1.37,
    readNoise: 6.2,
    saturation: 58000,
    pixelScaleArcsec: 0.42,
    date: '2024-03-06T02:09:05.500',
    data: { x0: 0, y0: 0, x1: 2048, y1: 2048 },
    overscan: [{ x0: 2052, y0: 0, x1: 2148, y1: 2048 }],
    notes: [],
  })
  t.ok(Math.abs(facts.raDeg! - 83.822) < 1e-3)
  // And simulated frames of this camera are read back.
  const written = new Map(headerFor(facts, profile).map(([keyword, value]) => [keyword, value]))
  t.match(
    describeFrame((keyword) => written.get(keyword), profile, size),
    { type: 'object', filter: 'r', gain: 1.37, date: facts.date, data: facts.data },
  )
})

t.test('the guide names every section and key of a profile', async (t) => {
  const text = guide.replaceAll(/\s+/g, ' ')
  for (const { section, key } of describeSchema(profileSchema)) {
    t.ok(text.includes(`[${section}]`), `[${section}]`)
    if (key !== 'ANY')
      t.ok(
        text.includes(`\`${key}\``) || text.includes(`${key} = `) || text.includes(`] ${key}\``),
        `[${section}] ${key}`,
      )
  }
})

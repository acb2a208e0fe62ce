import t from 'tap'
import { flagsOf, parseFlags, parseMemory, readByYargs } from '../src/flags.js'
import { defineCommand } from '../src/index.js'
import { plainFlags } from '../src/plain-flags.js'
import { pathInReport } from '../src/report.js'
import { configOf } from '../src/settings.js'

t.test('sizes of memory as people write them', (t) => {
  const sizes: Record<string, number> = {
    '2GiB': 2 ** 31,
    '500MB': 5e8,
    '1.5 g': 1.5e9,
    '300m': 3e8,
    '134217728': 2 ** 27,
  }
  for (const [text, bytes] of Object.entries(sizes)) t.equal(parseMemory(text), bytes, text)
  for (const text of ['', 'GB', '2 GiBs', '-1GB', '1e9', '10', '0x10']) t.throws(() => parseMemory(text), text)
  t.end()
})

t.test('flags as people write them', async (t) => {
  const command = { flags: { shift: { type: 'number', doc: '', alias: 'x' } } } as const
  const parse = (...args: string[]) => parseFlags(command, args)
  t.same((await parse('-s', 'a', 'b', '-s', 'c', '--input', '-')).input, ['a', 'b', 'c', '-'])
  t.same((await parse('--input=a b', '-r=out')).input, ['a b'])
  t.equal((await parse('-r', '012')).output, '012', 'a name of digits stays a name')
  t.equal((await parse('--shift', '-3.5')).shift, -3.5)
  t.equal((await parse('-x', '1e3')).shift, 1000)
  t.same((await parse('--set', 'a.b=c=d', '--set', 'e.f=1,2')).set, ['a.b=c=d', 'e.f=1,2'])
  t.same([(await parse('--json')).json, (await parse()).json], [true, undefined])
  await t.rejects(parse('--no-json'), /unknown flag --no-json/)
  await t.rejects(parse('--work', '2'), /did you mean --workers\?/)
  await t.rejects(parse('--shift', ''), /expected a number/)
})

t.test('plain command lines are read as yargs reads them, all others are left to it', async (t) => {
  const command = { flags: { shift: { type: 'number', doc: '', alias: 'x' } } } as const
  const specs = flagsOf(command)
  const plain = [
    [],
    ['-s', 'a', 'b', '-s', 'c', '--input', '-', '-r', 'out', '--quiet'],
    ['--set', 'a.b=c=d', '--set', 'e.f=1,2', '--json', '-c', 'x.ini', '--workers', '2', '-x', '1e3'],
    ['--force', '--input', '@list', '*.fits', 'true', '012', '--output', 'false'],
  ]
  for (const args of plain) {
    const ours = plainFlags(specs, args)
    const theirs = await readByYargs(command, specs, args)
    t.ok(ours, args.join(' '))
    for (const name of Object.keys(specs)) {
      const value = theirs[name]
      const words = Array.isArray(value) ? value.map((word) => String(word).replace('\0-', '-')) : value
      t.same(ours?.[name], words, `${name} in ${args.join(' ')}`)
    }
  }
  const others = [
    ['a.fits'],
    ['-r', 'out', 'more'],
    ['-r'],
    ['--set'],
    ['--json', 'true'],
    ['--input=a'],
    ['-sa'],
    ['--shift', '-3'],
    ['-r', "'out'"],
    ['-r', ''],
    ['-r', 'a', '-r', 'b'],
    ['--inp', 'a'],
    ['--', 'a'],
  ]
  for (const args of others) t.equal(plainFlags(specs, args), undefined, args.join(' '))
})

t.test('a command that cannot be right is refused when it is defined', (t) => {
  const sound = { name: 'toy', summary: '', schema: {}, measurements: [], parallel: 'jobs' } as const
  const define = (odd: object) => () => defineCommand({ ...sound, plan: () => ({ jobs: [] }), job: () => [], ...odd })
  t.doesNotThrow(define({}))
  t.throws(define({ name: 'Toy' }), /a name is lower-case/)
  t.throws(define({ flags: { output: { type: 'text', doc: '' } } }), /flag 'output' exists already/)
  t.throws(define({ flags: { own: { type: 'text', doc: '', alias: 'r' } } }), /flag 'r' exists already/)
  t.throws(define({ measurements: [{ name: 'status', doc: '' }] }), /'status' cannot be the name of a measurement/)
  t.end()
})

t.test('a report says paths from where it lies, as far as the two have something in common', (t) => {
  t.equal(pathInReport('/night/red', '/night/raw/a.fits'), '../raw/a.fits')
  t.equal(pathInReport('/night/red', '/night/red/a.fits'), 'a.fits')
  t.equal(pathInReport('/night/red', '/archive/a.fits'), '/archive/a.fits')
  t.equal(pathInReport('/night/red', 'simulated star'), 'simulated star')
  t.end()
})

t.test('a command that only prints has no flags for what it would make', async (t) => {
  const flags = Object.keys(flagsOf({ prints: true, inputs: 'none', flags: {} }))
  t.same(
    ['output', 'compress', 'force', 'input'].filter((name) => flags.includes(name)),
    [],
  )
  t.ok(flags.includes('quiet'))
  await t.rejects(parseFlags({ prints: true, flags: {} }, ['--output', 'x']), /unknown flag --output/)
})

t.test('a command without inputs says what to do instead of --input', async (t) => {
  const command = { inputs: 'none', inputInstead: 'name the folder in the INI', flags: {} } as const
  await t.rejects(parseFlags(command, ['-s', 'x']), { message: /takes no -s/, advice: /folder in the INI/ })
  await t.rejects(parseFlags(command, ['--input=x']), { message: /takes no --input/ })
  await t.rejects(parseFlags({ inputs: 'none', flags: {} }, ['-s', 'x']), { message: /takes no -s/, advice: /--help/ })
})

t.test('who names the tree of a spectrograph means its shipped profile, and may name another', (t) => {
  const profileFor = (flags: object) => configOf(command as never, flags as never).profile.name
  const command = { schema: {}, flags: {} }
  t.equal(profileFor({}), 'generic')
  t.equal(profileFor({ 'nres-instrument': 'nres03' }), 'nres')
  t.equal(profileFor({ tree: '/archive/cpt/nres03/reduced' }), 'nres')
  t.equal(profileFor({ tree: '/archive/home/other/reduced' }), 'generic')
  const config = { 'tree.ini': '[instrument]\nprofile = skycam\n' }
  const root = t.testdir({ home: { nres03: { reduced: { config } } } })
  t.equal(profileFor({ root, site: 'home', 'nres-instrument': 'nres03' }), 'skycam', 'the tree itself says')
  t.equal(profileFor({ 'nres-instrument': 'nres03', set: ['instrument.profile=skycam'] }), 'skycam')
  t.end()
})

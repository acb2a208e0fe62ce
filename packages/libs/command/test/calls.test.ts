import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { finish, outside, scratch } from '@nightpipe/testing'
import t from 'tap'
import { VERSION } from '../src/index.js'
import { bundleOf, linesOf, makeFrames, run } from './toy/night.js'

const MANIFEST = new URL('../../package.json', import.meta.url)

t.test('--help says what it does, how it is called, its keys with units, and the exit codes', async (t) => {
  const { code, stdout, stderr } = await run('copy-frames', ['--help'])
  t.equal(code, 0)
  t.equal(stderr, '')
  t.match(stdout, /^copy-frames: copies frames, and adds a constant\n/)
  for (const piece of [
    'Examples:',
    '--input PATH',
    '-r, --output',
    'add = 0',
    'in adu',
    'Exit codes:',
    'mean_adu',
    '130',
  ]) {
    t.ok(stdout.includes(piece), piece)
  }
  t.notMatch(stdout, '--describe')
  t.ok(
    linesOf(stdout).every((line) => line.length <= 100),
    'no line is longer than 100 characters',
  )
})

t.test('--describe gives the same as data', async (t) => {
  const { code, stdout } = await run('copy-frames', ['--describe'])
  const about = JSON.parse(stdout)
  t.equal(code, 0)
  t.equal(about.name, 'copy-frames')
  t.match(
    about.flags.find((flag: { name: string }) => flag.name === 'only'),
    { type: 'text', common: false },
  )
  t.match(about.config[0], { section: 'copy', key: 'add', unit: 'adu', default: '0' })
  t.match(about.measurements[0], { name: 'mean_adu', unit: 'adu' })
})

t.test('--version is that of the package', async (t) => {
  t.equal((await run('copy-frames', ['--version'])).stdout, `copy-frames ${VERSION}\n`)
  t.equal(JSON.parse(readFileSync(MANIFEST, 'utf8')).version, VERSION)
})

const WRONG: [string, string[], RegExp][] = [
  [
    'an unknown flag names the nearest',
    ['--outptu', 'x'],
    /^copy-frames: unknown flag --outptu, did you mean --output\?\n$/,
  ],
  ['an unknown flag without a near one', ['--frobnicate'], /^copy-frames: unknown flag --frobnicate \(--help/],
  ['a positional argument', ['raw'], /^copy-frames: 'raw' belongs to no flag \(inputs follow --input/],
  ['a flag without its value', ['--output'], /^copy-frames: --output needs a value \(/],
  ['an alias without its value', ['-r'], /^copy-frames: --output needs a value \(/],
  ['a flag given twice', ['--output', 'a', '-r', 'b'], /^copy-frames: --output is given 2 times \(give it once\)\n$/],
  ['a word for a number', ['--workers', 'two'], /^copy-frames: --workers two: expected a whole number\n$/],
  ['no worker', ['-s', '.', '-r', 'o', '--workers', '0'], /^copy-frames: --workers 0: expected 1 to 1024\n$/],
  [
    'a size that is none',
    ['-s', '.', '-r', 'o', '--memory', 'much'],
    /--memory much: expected a size such as 500MB or 2GiB/,
  ],
  ['too little memory', ['-s', '.', '-r', 'o', '--memory', '1MB'], /at least 64MB/],
  ['an unknown format', ['--log-format', 'xml'], /--log-format xml: expected one of text, json/],
  ['an unknown key', ['-s', '.', '-r', 'o', '--set', 'copy.ad=3'], /unknown key 'ad' in \[copy\]/],
  ['a malformed value', ['-s', '.', '-r', 'o', '--add', 'x'], /--add x: expected a number/],
  ['no such configuration', ['-s', '.', '-r', 'o', '-c', 'no.ini'], /^copy-frames: no\.ini: .*no such file/],
  ['no input', ['-r', 'o'], /^copy-frames: no input \(give --input PATH, or input under/],
  ['no output', ['-s', '.'], /^copy-frames: no output folder \(give --output DIR/],
  ['an input that is not there', ['-s', 'raw?', '-r', 'o'], /no such input: raw\? \(/],
]
for (const [what, args, message] of WRONG) {
  t.test(`${what} is exit 2 and one line`, async (t) => {
    const cwd = scratch()
    const { code, stdout, stderr } = await run('copy-frames', args, { cwd })
    t.equal(code, 2)
    t.equal(stdout, '')
    t.match(stderr, message)
    t.equal(linesOf(stderr).length, 1)
    t.notOk(existsSync(join(cwd, 'o')), 'nothing was touched')
  })
}

t.test('every problem of a configuration is told, a line each', async (t) => {
  const cwd = scratch()
  writeFileSync(join(cwd, 'c.ini'), '[copy]\nad = 3\nlimit = high\n')
  const { code, stderr } = await run('copy-frames', ['-s', '.', '-r', 'o', '-c', 'c.ini'], { cwd })
  t.equal(code, 2)
  t.same(
    linesOf(stderr).map((line) => line.slice(0, 21)),
    ['copy-frames: c.ini:2:', 'copy-frames: c.ini:3:'],
  )
})

t.test('--print-config is itself a configuration that gives the same', async (t) => {
  const cwd = scratch()
  const first = await run('copy-frames', ['--set', 'copy.add=5', '--print-config'], { cwd })
  t.equal(first.code, 0)
  t.match(first.stdout, /add = 5/)
  writeFileSync(join(cwd, 'c.ini'), first.stdout)
  const second = await run('copy-frames', ['-c', 'c.ini', '--print-config'], { cwd })
  const values = (text: string) => linesOf(text).filter((line) => !line.startsWith('#'))
  t.same(values(second.stdout), values(first.stdout))
})

t.test('input and output of the configuration serve where the flags are absent, and the flags win', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['a'])
  makeFrames(join(cwd, 'other'), ['b'])
  writeFileSync(join(cwd, 'c.ini'), '[Input and Output]\ninput = raw\noutput = red\n')
  t.equal((await run('copy-frames', ['-c', 'c.ini'], { cwd })).stdout, 'red/a.fits\n')
  t.equal((await run('copy-frames', ['-c', 'c.ini', '-s', 'other', '-r', 'ali'], { cwd })).stdout, 'ali/b.fits\n')
})

t.test('an output that is a file, or below one, is refused', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['a'])
  writeFileSync(join(cwd, 'file'), '')
  for (const output of ['file', 'file/below']) {
    const { code, stderr } = await run('copy-frames', ['-s', 'raw', '-r', output], { cwd })
    t.equal(code, 2)
    t.match(stderr, /is a file, not a folder \(choose another --output\)/)
  }
})

t.test('an output where no folder can be made is refused, and not tried for ever', async (t) => {
  if (!existsSync('/proc/self')) return t.pass('no /proc: nothing to try')
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['a'])
  const { code, stderr } = await run('copy-frames', ['-s', 'raw', '-r', '/proc/nowhere/below'], { cwd })
  t.equal(code, 2)
  t.match(stderr, /^copy-frames: .*\/proc\/nowhere\/below.*\)\n$/)
})

t.test('a folder that may not be written in is refused before any work', async (t) => {
  if (process.getuid?.() !== 0) return t.pass('not root: nothing to try')
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['a'])
  const { code, stderr } = await run('copy-frames', ['-s', join(cwd, 'raw'), '-r', '/usr/red'], {
    cwd: '/',
    uid: 65534,
  })
  t.equal(code, 2)
  t.match(stderr, /^copy-frames: cannot write in \/usr\/red: permission denied \(/)
})

t.test('an empty folder is exit 3, and exit 0 where a command says so', async (t) => {
  const cwd = scratch()
  const { code, stderr } = await run('copy-frames', ['-s', '.', '-r', 'o'], { cwd })
  t.equal(code, 3)
  t.match(stderr, /^copy-frames: no frames in \. \(/)
  t.match(await run('add-frames', ['-s', '.', '-r', 'o'], { cwd }), { code: 0, stdout: '' })
})

t.test('--dry-run tells the jobs and makes nothing', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['a', 'b'])
  const { code, stdout } = await run('copy-frames', ['-s', 'raw', '-r', 'red', '--dry-run'], { cwd })
  t.equal(code, 0)
  t.same(linesOf(stdout), ['to do    a.fits (1 input) -> red/a.fits', 'to do    b.fits (1 input) -> red/b.fits'])
  t.notOk(existsSync(join(cwd, 'red')))
  const json = await run('copy-frames', ['-s', 'raw', '-r', 'red', '--dry-run', '--json'], { cwd })
  t.match(JSON.parse(linesOf(json.stdout)[0]!), { job: 'a.fits', state: 'to do', products: ['red/a.fits'] })
})

t.test('help and a small run answer soon', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['a'])
  // Processor time, of children, in `times`' second line: waiting for other work on the machine does not count.
  const seconds = (args: string) => {
    const call = `"${process.execPath}" "${bundleOf('copy-frames')}" ${args} > out; times`
    const lines = linesOf(finish(outside('sh', '-c', call), { cwd }).stdout)
    return [...lines[1]!.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + 60 * Number(m) + Number(s), 0)
  }
  const best = (args: string) => Math.min(seconds(args), seconds(args), seconds(args))
  const help = best('--help')
  const small = best('-s raw -r red --force --quiet')
  t.comment(`help ${help} s, one small frame ${small} s`)
  t.ok(help > 0 && help < 0.2 && small < 0.4, 'three times what it takes on an idle machine')
})

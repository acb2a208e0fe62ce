import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openFits, textOf } from '@nightpipe/fits'
import { scratch } from '@nightpipe/testing'
import t from 'tap'
import { linesOf, run } from './toy/night.js'

t.test('the first argument chooses the subcommand', async (t) => {
  const cwd = scratch()
  mkdirSync(join(cwd, 'o/truth'), { recursive: true })
  const { code, stdout } = await run('make-frames', ['flat', '--output', 'o'], { cwd })
  t.equal(code, 0)
  t.same(linesOf(stdout), ['o/flat-0.fits', 'o/flat-1.fits'])
  t.match(readFileSync(join(cwd, 'o/make-frames.csv'), 'utf8'), /flat-1,done/)
  t.ok(existsSync(join(cwd, 'o/truth/notes.fits')), 'what a job makes aside is there, and not printed')
})

t.test('products name the subcommand, bare ones carry none of our cards', async (t) => {
  const cwd = scratch()
  mkdirSync(join(cwd, 'o/truth'), { recursive: true })
  await run('make-frames', ['dark', '--output', 'o'], { cwd })
  const card = (path: string, keyword: string) => textOf(openFits(join(cwd, path)).hdus[0]!.header, keyword)
  t.equal(card('o/truth/dark-0.fits', 'NP_CMD'), 'make-frames dark')
  t.equal(card('o/dark-0.fits', 'NP_CMD'), undefined)
})

t.test('a second run makes nothing, and only what is missing when a bare product is gone', async (t) => {
  const cwd = scratch()
  mkdirSync(join(cwd, 'o/truth'), { recursive: true })
  await run('make-frames', ['dark', '--output', 'o'], { cwd })
  const made = () => statSync(join(cwd, 'o/dark-0.fits')).mtimeMs
  const first = made()
  const second = await run('make-frames', ['dark', '--output', 'o'], { cwd })
  t.match(second.stderr, /3 jobs were up to date/)
  t.equal(made(), first)
  writeFileSync(join(cwd, 'o/truth/dark-1.fits'), 'spoiled')
  t.match((await run('make-frames', ['dark', '--output', 'o'], { cwd })).stderr, /2 jobs were up to date/)
})

t.test('an unknown or missing subcommand is exit 2 and one line that names the known ones', async (t) => {
  for (const [args, message] of [
    [['bias'], /^make-frames: unknown subcommand 'bias' \(known: dark, flat\)\n$/],
    [['--output', 'o'], /^make-frames: what to make-frames comes first \(one of: dark, flat\)\n$/],
    [[], /comes first \(one of: dark, flat\)/],
    [['dark', 'flat', '--output', 'o'], /^make-frames: 'flat' belongs to no flag/],
  ] as const) {
    const { code, stdout, stderr } = await run('make-frames', args)
    t.equal(code, 2)
    t.equal(stdout, '')
    t.match(stderr, message)
  }
})

t.test('--help, --version and --describe speak of all subcommands, or of the one that is named', async (t) => {
  const all = await run('make-frames', ['--help'])
  t.equal(all.code, 0)
  t.match(all.stdout, /make-frames dark {2}makes dark frames\n {2}make-frames flat {2}makes flat frames\n/)
  t.match((await run('make-frames', ['dark', '--help'])).stdout, /^make-frames dark: makes dark frames/)
  t.match((await run('make-frames', ['--version'])).stdout, /^make-frames \d/)
  const described = JSON.parse((await run('make-frames', ['--describe'])).stdout)
  t.same(
    described.subcommands.map(({ name }: { name: string }) => name),
    ['make-frames dark', 'make-frames flat'],
  )
  t.equal(JSON.parse((await run('make-frames', ['flat', '--describe'])).stdout).name, 'make-frames flat')
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { node } from '@nightpipe/testing'
import t from 'tap'
import { home, nightpipe } from './front-door.js'

const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))

t.test('list has a line for each command that came with it, and no library', async (t) => {
  const { code, stdout } = nightpipe(['list'])
  t.equal(code, 0)
  const names = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[0])
  t.ok(names.includes('reduction'))
  t.ok(names.includes('stack-calibrations'))
  t.notOk(names.includes('fits'))
  t.same(names, [...names].sort())
  const folders = readdirSync(join(home, '..')).filter((name) => existsSync(join(home, '..', name, 'package.json')))
  t.same(
    names,
    folders.filter((name) => name !== 'nightpipe').sort(),
    'every command of the repository is a dependency',
  )
  const lines = nightpipe(['list', '--json'])
    .stdout.trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.same(
    lines.map(({ name }) => name),
    names,
  )
})

t.test('without arguments, and with --help, it says what there is', async (t) => {
  for (const args of [[], ['--help'], ['help']]) {
    const { code, stdout, stderr } = nightpipe(args)
    t.equal(code, 0)
    t.match(stdout, /reduction.*why.*doctor/s)
    t.equal(stderr, '')
  }
  t.equal(nightpipe(['--version']).stdout, `nightpipe ${manifest.version}\n`)
  t.match(nightpipe(['why', '--help']).stdout, /^nightpipe why FILE/)
  t.match(nightpipe(['help', 'doctor']).stdout, /^nightpipe doctor/)
})

t.test('an unknown word is refused with the nearest name', async (t) => {
  const { code, stdout, stderr } = nightpipe(['reducton', '--input', 'x'])
  t.equal(code, 2)
  t.equal(stdout, '')
  t.equal(stderr, "nightpipe: unknown command 'reducton' (did you mean reduction?)\n")
  t.match(nightpipe(['zzzzzz']).stderr, /nightpipe list shows the commands/)
  t.match(nightpipe(['--verison']), { code: 2, stderr: /unknown flag '--verison'/ })
  t.match(nightpipe(['doctor', '--colour']), {
    code: 2,
    stderr: /doctor: unknown option '--colour' \(nightpipe doctor/,
  })
  t.match(nightpipe(['why']), { code: 2, stderr: /why: something is missing/ })
})

t.test('a command runs as if it were called itself: same output, same exit code, standard input passed', async (t) => {
  const direct = nightpipe(['stack-calibrations', '--version'])
  t.match(direct, { code: 0, stdout: /^stack-calibrations \d/ })
  t.match(nightpipe(['stack-calibrations', '--nonsense']), { code: 2, stderr: /^stack-calibrations: / })
  const folder = t.testdir({})
  const piped = nightpipe(['stack-calibrations', '-s', '-', '-r', join(folder, 'out')], {
    input: `${folder}/nothing.fits\n`,
  })
  t.match(piped, { code: 2, stderr: /nothing\.fits/ })
})

/** A process that runs another in its place, as `nightpipe` does with commands. */
function stand(t: { testdir: (o: Record<string, string>) => string }, program: string) {
  const folder = t.testdir({ 'program.mjs': program })
  const start = new URL('../src/start.js', import.meta.url).href
  writeFileSync(
    join(folder, 'stand.mjs'),
    `import { runProgram } from '${start}'; await runProgram(process.argv[2], [])`,
  )
  return spawn(...node(join(folder, 'stand.mjs'), join(folder, 'program.mjs')), {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

t.test('signals reach the command, and its end is our end', async (t) => {
  const child = stand(
    t,
    `process.on('SIGTERM', () => { console.log('told'); process.exit(130) }); setInterval(() => {}, 999); console.log('up')`,
  )
  let said = ''
  for await (const piece of child.stdout!) {
    said += piece
    if (said === 'up\n') child.kill('SIGTERM')
  }
  const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode]
  t.equal(said, 'up\ntold\n')
  t.equal(code, 130)
})

t.test('a command that is killed makes its front door end in the same way', async (t) => {
  const child = stand(t, `process.kill(process.pid, 'SIGKILL')`)
  const [code, signal] = await once(child, 'exit')
  t.same([code, signal], [null, 'SIGKILL'])
})

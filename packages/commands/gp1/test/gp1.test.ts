import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createHeader, encodeFits } from '@nightpipe/fits'
import { call, commandLine, executable, finish, node, outside, REPOSITORY } from '@nightpipe/testing'
import t from 'tap'

const run = (...args: string[]) => call('gp1', args)

const SIDE = 48

/** The bytes of a raw frame as the telescope control writes it. */
function raw(cards: Record<string, string>, seed = 1): Uint8Array {
  const noise = (p: number) => 20 * (Math.abs(Math.sin(p * 12.9898 + seed) * 43758.5453) % 1)
  const pixels = Float64Array.from({ length: SIDE * SIDE }, (_, p) => Math.round(1200 + noise(p)))
  const facts = { INSTRUME: 'cam', FILTER: 'r', OBJECT: 'M 67', GAIN: 1.5, RDNOISE: 9, SATURATE: 60000, EXPTIME: 10 }
  const all = { ...facts, 'DATE-OBS': `2026-01-01T20:00:${String(seed).padStart(2, '0')}`, ...cards }
  const header = createHeader(Object.entries(all))
  return encodeFits([{ kind: 'image', bitpix: 16, unsigned: true, axes: [SIDE, SIDE], pixels, header }])
}

/** gp1.cfg as in GP1, with a section for each observer; frames are reduced without masters. */
function setUp(folder: string, observers = ['svom'], general = ''): string {
  for (const name of ['in', 'cfg']) mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'cfg/pipeline.cfg'), '[Structure of pipeline]\nreduction = yes\n')
  const reduction = '[Calibration]\nbias = none\ndark = none\nflat = none\n[Cosmic rays]\ncompare = 0\n'
  writeFileSync(join(folder, 'cfg/reduction.cfg'), reduction)
  const sections = observers.map(
    (observer) => `[pipeline-${observer}]
processing_strategy=standard\t
identifier_header   = EXPTYPE,OBSERVER
identifier_value    = object,${observer}
configuration_path_dir = ${join(folder, 'cfg')}
workspace_dir       = ${join(folder, observer)}
`,
  )
  const head = `[General]\ninput    = ${join(folder, 'in')}\nlog_path = ${join(folder, 'log')}\n${general}`
  writeFileSync(join(folder, 'gp1.cfg'), `${head}# Pipelines\n${sections.join('')}`)
  return join(folder, 'gp1.cfg')
}

const product = (folder: string, observer: string, name: string) =>
  existsSync(join(folder, observer, 'M_67/cam/r/reduction', `${name}.fits`))

async function until(what: () => boolean, seconds = 20): Promise<boolean> {
  for (const end = performance.now() + 1000 * seconds; performance.now() < end; await sleep(50)) if (what()) return true
  return false
}

t.test('an image goes to every pipeline whose pairs all match, and to no other', async (t) => {
  const cwd = t.testdir()
  const config = setUp(cwd, ['svom', 'colibri', 'svom|both'])
  writeFileSync(
    config,
    readFileSync(config, 'utf8').replaceAll('svom|both', 'both').replace('object,both', 'object,svom|colibri'),
  )
  const put = (name: string, EXPTYPE: string, OBSERVER: string) =>
    writeFileSync(join(cwd, 'in', name), raw({ EXPTYPE, OBSERVER }))
  put('a.fits', 'object', 'svom')
  put('b.fits', 'OBJECT', 'colibri')
  put('c.fits', 'dark', 'svom')
  put('d.fits', 'object', 'nobody')
  writeFileSync(join(cwd, 'in/notes.txt'), 'no frame')
  const { status, stderr } = run('--config', config, '--once')
  t.equal(status, 0, stderr)
  t.ok(product(cwd, 'svom', 'a') && !product(cwd, 'svom', 'b') && !product(cwd, 'svom', 'c'))
  t.ok(product(cwd, 'colibri', 'b') && !product(cwd, 'colibri', 'a'))
  t.ok(product(cwd, 'both', 'a') && product(cwd, 'both', 'b'), 'one image, two pipelines')
  t.match(readFileSync(join(cwd, 'log/gp1.log'), 'utf8'), /\| info \| gp1 \| .*d\.fits is for no pipeline/)

  await t.test('gp1 status tells the counts, and that it does not run', async (t) => {
    const shown = run('status', '--config', config)
    t.equal(shown.status, 4)
    t.match(shown.stdout, /both +idle +0 +0 +2 +0 +0/)
    t.match(shown.stdout, /2 for no pipeline/)
    const json = JSON.parse(run('status', '--config', config, '--json').stdout)
    t.match(json, { running: false, unmatched: 2, pipelines: { length: 3 } })
  })
  await t.test('what a gp1 that was killed had at work is expected', async (t) => {
    const path = join(cwd, 'log/status.json')
    const text = readFileSync(path, 'utf8')
    const killed = JSON.parse(text)
    Object.assign(killed.pipelines[0], { state: 'working', working: 3, expected: 1 })
    writeFileSync(path, JSON.stringify(killed))
    t.match(run('status', '--config', config).stdout, /svom +idle +4 +0 +1 +0 +0/)
    writeFileSync(path, text)
  })
  await t.test('a restart takes no image a second time', async (t) => {
    const lines = readFileSync(join(cwd, 'svom/runs.csv'), 'utf8').split('\n').length
    t.equal(run('--config', config, '--once').status, 0)
    t.equal(readFileSync(join(cwd, 'svom/runs.csv'), 'utf8').split('\n').length, lines)
  })
  await t.test('a pipeline that is added later gets what is there', async (t) => {
    const more = readFileSync(config, 'utf8').replace(/\[pipeline-svom\][^[]*/, (text) => {
      return `${text}${text.replaceAll('svom', 'later').replace('object,later', 'object,nobody')}`
    })
    writeFileSync(config, more)
    t.equal(run('--config', config, '--once').status, 0)
    t.ok(product(cwd, 'later', 'd'))
    t.notOk(product(cwd, 'later', 'a'))
  })
})

t.test('calibrations are done when they are read, and an image whose masters come later is done then', async (t) => {
  const cwd = t.testdir()
  const config = setUp(cwd)
  writeFileSync(config, readFileSync(config, 'utf8').replace('object,svom', 'object|bias,svom'))
  writeFileSync(join(cwd, 'cfg/reduction.cfg'), '[Calibration]\ndark = none\nflat = none\n[Cosmic rays]\ncompare = 0\n')
  const put = (name: string, type: string, seed: number) =>
    writeFileSync(join(cwd, 'in', name), raw({ EXPTYPE: type, IMAGETYP: type, OBSERVER: 'svom' }, seed))
  const states = () =>
    readFileSync(join(cwd, 'log/gp1.csv'), 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => {
        const [file = '', , status] = line.split(',')
        return [file.replace(/.*\//, ''), status]
      })
  put('sky.fits', 'object', 1)
  run('--config', config, '--once')
  t.same(states().at(-1), ['sky.fits', 'failed'])
  for (const seed of [2, 3, 4]) put(`bias${seed}.fits`, 'bias', seed)
  run('--config', config, '--once')
  const last = new Map(states() as [string, string][])
  t.same([...last.values()], ['done', 'done', 'done', 'done'])
  t.match(run('status', '--config', config).stdout, /svom +idle +0 +0 +4 +0 +0/)
})

t.test('a file is taken when it is whole; what is begun is finished after SIGTERM', async (t) => {
  const cwd = t.testdir()
  const config = setUp(cwd, ['svom'], 'poll = 0.2\nsettle = 0.1\npatience = 1\n')
  const child = spawn(...commandLine('gp1', '--config', config), { stdio: 'ignore' })
  const ended = new Promise<number | null>((go) => child.on('exit', (code) => go(code)))
  t.teardown(() => child.kill('SIGKILL'))
  const bytes = raw({ EXPTYPE: 'object', OBSERVER: 'svom' })
  const half = join(cwd, 'in/half.fits')
  writeFileSync(half, bytes.subarray(0, 4000))
  const state = () => (existsSync(join(cwd, 'log/gp1.csv')) ? readFileSync(join(cwd, 'log/gp1.csv'), 'utf8') : '')
  t.ok(await until(() => /half\.fits,,damaged/.test(state())), 'given up after its patience')
  appendFileSync(half, bytes.subarray(4000))
  t.ok(await until(() => product(cwd, 'svom', 'half')), 'and taken when the rest has come')
  const running = run('status', '--config', config)
  t.equal(running.status, 0)
  t.match(running.stdout, /gp1 runs since/)
  t.match(run('--config', config).stderr, /another gp1 works with/, 'a second one refuses politely')
  writeFileSync(join(cwd, 'in/last.fits'), raw({ EXPTYPE: 'object', OBSERVER: 'svom' }, 2))
  t.ok(await until(() => /last\.fits,svom,expected/.test(state())))
  child.kill('SIGTERM')
  t.equal(await ended, 0)
  t.ok(product(cwd, 'svom', 'last'), 'the image that it had begun is done')
  t.match(state(), /last\.fits,svom,done/)
})

t.test('killed again and again under load it loses no image, takes none twice, and ends as pipeline would', (t) => {
  const args = ['--frames', '24', '--rate', '8', '--side', '64', '--kills', '2', '--folder', t.testdir()]
  const { status, stdout, stderr } = finish(node(join(REPOSITORY, 'scripts/load-gp1.mjs'), ...args))
  t.equal(status, 0, stdout + stderr)
  t.match(stdout, /24 of 24 frames done, 0 products made twice, 0 differ from the offline ones/)
  t.end()
})

t.test('an image that a full disk refused is expected still, and done when there is room', async (t) => {
  const cwd = t.testdir()
  const config = setUp(cwd)
  writeFileSync(join(cwd, 'in/a.fits'), raw({ EXPTYPE: 'object', OBSERVER: 'svom' }))
  // A limit for the size of a file stands for the disk.
  const limited = ['ulimit -f 20; exec "$0" "$@"', process.execPath, executable('gp1'), '--config', config, '--once']
  const full = finish(outside('bash', '-c', ...limited))
  t.equal(full.status, 5, full.stderr)
  t.match(full.stderr, /svom: tried again in 20 s: .*cannot write .*a\.fits/)
  const shown = run('status', '--config', config).stdout
  t.match(shown, /svom +waits: .*cannot write .* 1 +0 +0 +0 +0/)
  t.equal(run('--config', config, '--once').status, 0)
  t.ok(product(cwd, 'svom', 'a'))
  t.match(run('status', '--config', config).stdout, /svom +idle +0 +0 +1 +0 +0/)
})

t.test('wrong configurations are refused at the start', async (t) => {
  const cwd = t.testdir()
  const config = setUp(cwd)
  const text = readFileSync(config, 'utf8')
  writeFileSync(config, text.replace('object,svom', 'object'))
  const pairs = run('--config', config)
  t.equal(pairs.status, 2)
  t.match(
    pairs.stderr,
    /\[pipeline-svom\] has 2 identifier_header and 1 identifier_value \(they belong together in pairs\)/,
  )
  writeFileSync(config, text.replace('/cfg', '/elsewhere'))
  t.match(run('--config', config).stderr, /\[pipeline-svom\] pipeline: --config .*elsewhere: no such folder/)
  writeFileSync(config, text)
  writeFileSync(join(cwd, 'cfg/pipeline.cfg'), '[Structure of pipeline]\nreductions = yes\n')
  t.match(run('--config', config).stderr, /unknown key 'reductions'/)
})

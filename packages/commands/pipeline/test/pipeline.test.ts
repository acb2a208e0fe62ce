import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { finish, outside, shellEnvironment } from '@nightpipe/testing'
import t from 'tap'
import { products, rows, run, writeConfigs, writeNight, writeRaw } from './night.js'

t.test('a night is sorted into groups, its masters are made, and each group is reduced', async (t) => {
  const cwd = t.testdir()
  const [raw, configs, out] = [writeNight(join(cwd, 'raw')), writeConfigs(join(cwd, 'cfg')), join(cwd, 'out')]
  const { status, stdout, stderr } = run('--config', configs, '--input', raw, '--output', out)
  t.equal(status, 0, stderr)
  t.same(
    [...products(out).keys()],
    [
      'M_67/cam/g/reduction/m67-g0.fits',
      'M_67/cam/g/reduction/m67-g1.fits',
      'M_67/cam/g/reduction/m67-g2.fits',
      'M_67/cam/r/reduction/m67-r0.fits',
      'M_67/cam/r/reduction/m67-r1.fits',
      'M_67/cam/r/reduction/m67-r2.fits',
      'calibrations/bias_cam.fits',
      'calibrations/flat_cam_g.fits',
      'calibrations/flat_cam_r.fits',
    ],
  )
  t.equal(stdout.trim().split('\n').length, 9, 'products are printed')
  t.match(stderr, /pipeline: 3 steps done, 0 up to date, 0 failed/)

  await t.test('a second run does nothing', async (t) => {
    const again = run('--config', configs, '--input', raw, '--output', out)
    t.match(again.stderr, /0 steps done, 3 up to date, 0 failed/)
    t.equal(again.stdout, stdout)
  })
  await t.test('a product that is gone is made again, and nothing else', async (t) => {
    const before = products(out)
    rmSync(join(out, 'M_67/cam/g/reduction/m67-g1.fits'))
    t.match(run('--config', configs, '--input', raw, '--output', out).stderr, /1 steps done, 2 up to date/)
    t.same(products(out), before)
  })
  await t.test('a changed key redoes what depends on it', async (t) => {
    writeFileSync(join(configs, 'reduction.cfg'), '[Calibration]\ndark = none\n[Frame]\nunit = adu\n')
    t.match(run('--config', configs, '--input', raw, '--output', out).stderr, /2 steps done, 1 up to date/)
  })
  await t.test('a further flat redoes its master and the group that needs it', async (t) => {
    const flat = { FILTER: 'g', EXPTIME: 10, IMAGETYP: 'flat', 'DATE-OBS': '2026-01-01T19:09:00' }
    writeRaw(join(raw, 'flat-g9.fits'), flat, 21500, 99)
    const before = products(out)
    t.equal(run('--config', configs, '--input', raw, '--output', out).status, 0)
    const changed = [...products(out)].filter(([path, bytes]) => before.get(path) !== bytes).map(([path]) => path)
    t.same(changed, [
      'M_67/cam/g/reduction/m67-g0.fits',
      'M_67/cam/g/reduction/m67-g1.fits',
      'M_67/cam/g/reduction/m67-g2.fits',
      'calibrations/flat_cam_g.fits',
    ])
  })
})

t.test('one bad frame never loses its group', async (t) => {
  const cwd = t.testdir()
  const [raw, configs, out] = [writeNight(join(cwd, 'raw')), writeConfigs(join(cwd, 'cfg')), join(cwd, 'out')]
  truncateSync(join(raw, 'm67-g1.fits'), 5000)
  writeFileSync(join(raw, 'm67-r1.fits'), 'not FITS at all')
  const { status, stderr } = run('--config', configs, '--input', raw, '--output', out)
  t.equal(status, 5, stderr)
  const fate = new Map(rows(join(out, 'pipeline.csv')).map((row) => [row.input, row]))
  t.equal(fate.get('../raw/m67-g1.fits')?.status, 'failed')
  t.match(fate.get('../raw/m67-g1.fits')?.reason, /promises 8192 bytes/)
  t.equal(fate.get('../raw/m67-r1.fits')?.status, 'failed')
  t.equal(fate.get('../raw/m67-g0.fits')?.status, 'done')
  t.equal([...products(out).keys()].filter((path) => path.includes('reduction')).length, 4)
  t.match(readFileSync(join(out, 'report.txt'), 'utf8'), /4 done, 0 set aside, 2 failed/)
})

t.test('frames of two nights with the same names never take the place of one another', async (t) => {
  const cwd = t.testdir()
  const [one, configs, out] = [writeNight(join(cwd, 'one')), writeConfigs(join(cwd, 'cfg')), join(cwd, 'out')]
  const call = (folder: string) => run('--config', configs, '--input', one, folder, '--output', out)
  const twin = (name: string, day: string) =>
    writeRaw(
      join(cwd, name),
      { IMAGETYP: 'object', OBJECT: 'M 67', FILTER: 'g', EXPTIME: 10, 'DATE-OBS': `${day}T20:00:00` },
      1250,
      77,
    )
  const fates = () => new Map(rows(join(out, 'pipeline.csv')).map((row) => [row.input, row]))
  const product = 'M_67/cam/g/reduction/m67-g0.fits'
  t.equal(call(one).status, 0)
  const alone = products(out).get(product)
  twin('two/m67-g0.fits', '2026-01-02')
  const { status, stderr } = call(join(cwd, 'two'))
  t.equal(status, 5, stderr)
  t.equal(products(out).get(product), alone, 'the product of the first night is as it was')
  t.equal(fates().get('../one/m67-g0.fits')?.status, 'done')
  t.match(fates().get('../two/m67-g0.fits'), {
    status: 'failed',
    reason: /has the same name as .*one\/m67-g0\.fits of its group \(call pipeline for each night by itself/,
  })

  await t.test('which of them is taken does not depend on when they arrived', async (t) => {
    twin('zero/m67-g0.fits', '2025-12-31')
    t.equal(call(join(cwd, 'zero')).status, 5)
    const late = products(out).get(product)
    t.not(late, alone)
    t.equal(fates().get('../one/m67-g0.fits')?.status, 'failed')
    rmSync(out, { recursive: true })
    t.equal(call(join(cwd, 'zero')).status, 5)
    t.equal(products(out).get(product), late)
  })
})

t.test('a night without frames is no error: a report says so, and the first frame that comes is taken', async (t) => {
  const cwd = t.testdir({ raw: {} })
  const [configs, out] = [writeConfigs(join(cwd, 'cfg')), join(cwd, 'out')]
  const call = (folder: string) => run('--config', configs, '--input', folder, '--output', out)
  const { status, stdout, stderr } = call(join(cwd, 'raw'))
  t.equal(status, 0, stderr)
  t.equal(stdout, '')
  t.match(readFileSync(join(out, 'report.txt'), 'utf8'), /0 frames: 0 calibrations, 0 done/)
  t.match(readFileSync(join(out, 'report.html'), 'utf8'), /Nothing had to be done/)
  t.equal(call(writeNight(join(cwd, 'raw'))).status, 0)
  t.match(readFileSync(join(out, 'report.txt'), 'utf8'), /15 frames: 9 calibrations, 6 done/)
  t.equal(call(join(cwd, 'nowhere')).status, 2)
  t.match(run('--config', configs, '--output', out).stderr, /no input \(give --input PATH/)
})

t.test('the dry run is a shell script that gives the same bytes, and touches nothing itself', async (t) => {
  const cwd = t.testdir()
  const [raw, configs] = [writeNight(join(cwd, "raw frames of Bob's")), writeConfigs(join(cwd, 'cfg'))]
  const out = join(cwd, 'out')
  const plan = run('--config', configs, '--input', raw, '--output', out, '--dry-run')
  t.equal(plan.status, 0, plan.stderr)
  t.notOk(existsSync(out))
  const shell = finish(outside('sh', '-e'), { input: plan.stdout, cwd, env: shellEnvironment() })
  t.equal(shell.status, 0, shell.stderr)
  const byHand = products(out)
  rmSync(out, { recursive: true })
  t.equal(run('--config', configs, '--input', raw, '--output', out, '--workers', '1').status, 0)
  t.same(products(out), byHand)

  await t.test('its exit code tells of a frame that failed, and the others are done', async (t) => {
    rmSync(out, { recursive: true })
    truncateSync(join(raw, 'm67-g1.fits'), 5000)
    const hurt = finish(outside('sh'), { input: plan.stdout, cwd, env: shellEnvironment() })
    t.equal(hurt.status, 5, hurt.stderr)
    t.equal([...products(out).keys()].filter((path) => path.includes('reduction')).length, 5)
  })
})

t.test('issue 3: the files of GP1 are read as they are: blanks, case, tabs', async (t) => {
  const cwd = t.testdir()
  const raw = writeNight(join(cwd, 'raw'))
  const configs = writeConfigs(join(cwd, 'cfg'))
  const seed = `[Workspace]
headers = TRGID,INSTRUME,FILTER
[Input and Output]
input  = ${raw}
output = ${join(cwd, 'out')}
[Structure of pipeline]
# Pipelines
reduction = yes
findstars = no
alignment = no
stacking  = no
Photometry =no
Image subtraction = no
Summary = no
[Strategy processing]
mode = standard\t
`
  writeFileSync(join(configs, 'pipeline.cfg'), seed)
  const { status, stderr } = run('--config', configs)
  t.equal(status, 0, stderr)
  t.equal(products(join(cwd, 'out')).size, 9)
})

t.test('wrong configurations are refused before anything is touched', async (t) => {
  const cwd = t.testdir()
  const raw = writeNight(join(cwd, 'raw'))
  const out = join(cwd, 'out')
  const call = (configs: string, ...more: string[]) =>
    run('--config', configs, '--input', raw, '--output', out, ...more)
  const wrong = call(writeConfigs(join(cwd, 'a'), 'reduction = yes', { reduction: '[Calibration]\nflats = a.fits\n' }))
  t.equal(wrong.status, 2)
  t.match(wrong.stderr, /reduction\.cfg:2: unknown key 'flats' in \[Calibration\], did you mean 'flat'/)
  const order = call(writeConfigs(join(cwd, 'b'), 'reduction = yes\nstacking = yes'))
  t.equal(order.status, 2)
  t.match(order.stderr, /stacking needs the products of alignment/)
  t.match(call('nowhere').stderr, /--config nowhere: no such folder/)
  t.match(call(writeConfigs(join(cwd, 'c')), '--strategy', 'fast').stderr, /mode = fast: no such strategy/)
  t.match(call(join(cwd, 'c'), '--from', 'stacking', '--until', 'reduction').stderr, /comes after/)
  t.notOk(existsSync(join(out, 'steps.csv')))
})

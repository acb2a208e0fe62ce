import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { imageHdu, openFits, readPixels, textOf } from '@nightpipe/fits'
import { finish, outside, scratch } from '@nightpipe/testing'
import t from 'tap'
import { bundleOf, contentOf, isProduct, linesOf, litterIn, makeFrames, reportOf, run } from './toy/night.js'

t.test('products, their paths on stdout, and a report with a row for each input', async (t) => {
  const cwd = scratch()
  const [raw] = makeFrames(join(cwd, 'raw'), ['b', 'a'])
  const { code, stdout, stderr } = await run('copy-frames', ['-s', 'raw', '-r', 'red', '--add', '7'], { cwd })
  t.equal(code, 0)
  t.equal(stdout, 'red/a.fits\nred/b.fits\n')
  t.same(
    linesOf(stderr).map((line) => line.replace(/[\d.]+ s$/, 's')),
    [
      'copy-frames: 1/2 a.fits done s',
      'copy-frames: 2/2 b.fits done s',
      'copy-frames: 2 done; see red/copy-frames.csv',
    ],
  )
  const pixels = (path: string) => readPixels(imageHdu(openFits(path)))
  t.same(
    pixels(join(cwd, 'red/b.fits')),
    pixels(raw!).map((value) => value + 7),
  )
  const rows = reportOf(join(cwd, 'red'))
  t.same(
    rows.map(({ input, status, product }) => [input, status, product]),
    [
      ['../raw/a.fits', 'done', 'a.fits'],
      ['../raw/b.fits', 'done', 'b.fits'],
    ],
  )
  t.ok(Math.abs(Number(rows[0]!.mean_adu) - 1007) < 2)
  t.same(litterIn(cwd), [])
})

t.test('--quiet says nothing, --json an object a line, --log-format json too', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['a', 'bad'])
  const { stdout, stderr } = await run('copy-frames', ['-s', 'raw', '-r', 'red', '--json', '--log-format', 'json'], {
    cwd,
  })
  const [product, failed] = linesOf(stdout).map((line) => JSON.parse(line))
  t.match(product, {
    product: 'red/a.fits',
    inputs: ['raw/a.fits'],
    status: 'done',
    measurements: { mean_adu: Number },
  })
  t.match(failed, { product: null, inputs: ['raw/bad.fits'], status: 'failed', reason: /overexposed/ })
  for (const line of linesOf(stderr))
    t.match(JSON.parse(line), { command: 'copy-frames', level: String, message: String })
  makeFrames(join(cwd, 'good'), ['c'])
  t.match(await run('copy-frames', ['-s', 'good', '-r', 'red', '--quiet'], { cwd }), {
    stdout: 'red/c.fits\n',
    stderr: '',
  })
})

t.test('commands chain by -, in both notations; an empty pipe is an error', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['a', 'b'])
  for (const notation of [[], ['--json']]) {
    const first = await run('copy-frames', ['-s', 'raw', '-r', 'red', ...notation], { cwd })
    const second = await run('add-frames', ['-s', '-', '-r', 'deep'], { cwd, stdin: first.stdout })
    t.match(second, { code: 0, stdout: 'deep/sum.fits\n' })
  }
  const empty = await run('add-frames', ['-s', '-', '-r', 'deep'], { cwd, stdin: '' })
  t.equal(empty.code, 0, 'add-frames takes an empty night')
  const none = await run('copy-frames', ['-s', '-', '-r', 'deep'], { cwd, stdin: '' })
  t.equal(none.code, 3)
  t.match(none.stderr, /^copy-frames: no frames in -/)
})

t.test('what is up to date is not made again, until input, configuration or --force say so', async (t) => {
  const cwd = scratch()
  const [a] = makeFrames(join(cwd, 'raw'), ['a', 'b'])
  const call = (...more: string[]) => run('copy-frames', ['-s', 'raw', '-r', 'red', ...more], { cwd })
  const made = () => ['a', 'b'].map((stem) => statSync(join(cwd, `red/${stem}.fits`)).ino)
  const fresh = await call()
  const before = made()
  const report = readFileSync(join(cwd, 'red/copy-frames.csv'), 'utf8')
  const again = await call()
  t.equal(again.stdout, fresh.stdout)
  t.match(again.stderr, /2 done \(2 jobs were up to date\)/)
  t.same(made(), before)
  t.equal(readFileSync(join(cwd, 'red/copy-frames.csv'), 'utf8'), report, 'the report is as it was')
  t.equal((await call('--json')).stdout.split('mean_adu').length, 3, 'measurements are kept')
  makeFrames(join(cwd, 'new'), ['changed'])
  renameSync(join(cwd, 'new/changed.fits'), a!)
  await call()
  t.same(
    made().map((ino, k) => ino === before[k]),
    [false, true],
    'a changed input',
  )
  await call('--add', '1')
  t.not(made()[1], before[1], 'another configuration')
  const forced = made()
  await call('--add', '1', '--force')
  t.not(made()[1], forced[1], '--force')
})

t.test('a product without its row, or a row without its product, is made again', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['a', 'b'])
  const call = () => run('copy-frames', ['-s', 'raw', '-r', 'red'], { cwd })
  await call()
  const products = contentOf(join(cwd, 'red'), isProduct)
  rmSync(join(cwd, 'red/copy-frames.csv'))
  t.notMatch((await call()).stderr, /up to date/)
  rmSync(join(cwd, 'red/a.fits'))
  t.match((await call()).stderr, /2 done \(1 job was up to date\)/)
  t.same(contentOf(join(cwd, 'red'), isProduct), products)
})

t.test('the bytes depend on inputs and configuration, not on folders, order or names of calls', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['a', 'b', 'c'])
  await run('copy-frames', ['-s', 'raw', '-r', 'red'], { cwd })
  mkdirSync(join(cwd, 'far/away'), { recursive: true })
  writeFileSync(join(cwd, 'c.ini'), '[Copy]\nADD = 0.0\n')
  const shuffled = ['../raw/c.fits', '../raw/a.fits', '../raw/b.fits']
  await run('copy-frames', ['-s', ...shuffled, '-r', 'away', '-c', '../c.ini'], { cwd: join(cwd, 'far') })
  t.same(contentOf(join(cwd, 'far/away'), isProduct), contentOf(join(cwd, 'red'), isProduct))
})

t.test('a night moved as a whole is still up to date', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'night/raw'), ['a'])
  await run('copy-frames', ['-s', 'night/raw', '-r', 'night/red'], { cwd })
  renameSync(join(cwd, 'night'), join(cwd, 'archive'))
  t.match(
    (await run('copy-frames', ['-s', 'archive/raw', '-r', 'archive/red'], { cwd })).stderr,
    /1 job was up to date/,
  )
})

t.test('rejected, failed and done inputs: exit 5, a line for each failure, all in the report', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['a', 'bad1'])
  const [torn] = makeFrames(join(cwd, 'raw'), ['torn'])
  truncateSync(torn!, 3000)
  writeFileSync(join(cwd, 'raw/text.fits'), 'not a frame\n')
  const { code, stdout, stderr } = await run('copy-frames', ['-s', 'raw', '-r', 'red'], { cwd })
  t.equal(code, 5)
  t.equal(stdout, 'red/a.fits\n')
  t.match(stderr, /^copy-frames: bad1.* is overexposed \(take it again\)$/m)
  t.match(stderr, /^copy-frames: torn\.fits: HDU 0, byte 3000: /m)
  t.notMatch(stderr, / at /)
  const rows = reportOf(join(cwd, 'red'))
  t.same(
    rows.map((row) => row.status),
    ['done', 'failed', 'failed', 'failed'],
  )
  const strict = await run('copy-frames', ['-s', 'raw/a.fits', '-r', 'red', '--set', 'copy.limit=10'], { cwd })
  t.match(strict, { code: 0, stdout: '' }, 'rejected counts as done')
  t.equal(reportOf(join(cwd, 'red'))[0]!.status, 'rejected')
  t.same(litterIn(cwd), [])
})

t.test('when nothing could be made the exit is 3', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['bad'])
  const { code, stdout, stderr } = await run('copy-frames', ['-s', 'raw', '-r', 'red'], { cwd })
  t.equal(code, 3)
  t.equal(stdout, '')
  t.match(stderr, /^copy-frames: bad.*overexposed/m)
})

t.test('a plan that refuses is exit 3 and one line', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['a'])
  const { code, stderr } = await run('copy-frames', ['-s', 'raw', '-r', 'red', '--add', '13'], { cwd })
  t.equal(code, 3)
  t.equal(stderr, 'copy-frames: 13 brings bad luck (add 12 or 14)\n')
})

t.test('a bug of ours is exit 1 with one line; --verbose adds the trace; the other frames are done', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['a', 'bug'])
  const { code, stdout, stderr } = await run('copy-frames', ['-s', 'raw', '-r', 'red'], { cwd })
  t.equal(code, 1)
  t.equal(stdout, 'red/a.fits\n')
  t.match(stderr, /^copy-frames: bug\.fits: internal error: undefined is not a frame \(a bug in nightpipe/m)
  t.notMatch(stderr, / at /)
  t.match((await run('copy-frames', ['-s', 'raw', '-r', 'red', '--verbose'], { cwd })).stderr, /TypeError.*\n +at /)
})

t.test('an error that nobody waits for ends the run as a bug, without a trace', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['late', 'z'])
  const { code, stderr } = await run('copy-frames', ['-s', 'raw', '-r', 'red', '--set', 'copy.pause=20'], { cwd })
  t.equal(code, 1)
  t.match(stderr, /internal error: nobody waits for this/)
  t.notMatch(stderr, / at /)
  t.same(litterIn(cwd), [])
})

t.test('the verdict no is exit 4', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['a'])
  const { code, stderr } = await run('add-frames', ['-s', 'raw', '-r', 'deep', '--set', 'sum.verdict=1'], { cwd })
  t.equal(code, 4)
  t.match(stderr, /^add-frames: the sum is not accepted$/m)
})

t.test('no product replaces an input, and no two inputs become one product', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['a'])
  makeFrames(join(cwd, 'raw/deeper'), ['a'])
  const before = contentOf(cwd)
  const onto = await run('copy-frames', ['-s', 'raw/a.fits', '-r', 'raw'], { cwd })
  t.match(onto, { code: 2, stderr: /raw\/a\.fits is an input and would be overwritten \(choose another --output\)/ })
  const twice = await run('copy-frames', ['-s', 'raw', '-r', 'red'], { cwd })
  t.match(twice, { code: 2, stderr: /a\.fits and a\.fits would both become red\/a\.fits/ })
  t.same(contentOf(cwd), before)
})

t.test('with the output inside the input the products of the first run are not taken for frames', async (t) => {
  const cwd = scratch()
  makeFrames(cwd, ['a', 'b'])
  for (let k = 0; k < 2; k++) {
    t.equal((await run('copy-frames', ['-s', '.', '-r', 'red'], { cwd })).stdout, 'red/a.fits\nred/b.fits\n')
  }
})

t.test('rows of earlier calls stay in the report, and what a person wrote in it', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'one'), ['a'])
  makeFrames(join(cwd, 'two'), ['b'])
  await run('copy-frames', ['-s', 'one', '-r', 'red'], { cwd })
  appendFileSync(join(cwd, 'red/copy-frames.csv'), '../gone/z.fits,failed,"lost, sadly",,1,,\n')
  await run('copy-frames', ['-s', 'two', '-r', 'red'], { cwd })
  t.same(
    reportOf(join(cwd, 'red')).map((row) => row.input),
    ['../gone/z.fits', '../one/a.fits', '../two/b.fits'],
  )
})

t.test('compressed products are called .fits.fz, and are up to date the second time', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['a'])
  const call = () => run('copy-frames', ['-s', 'raw', '-r', 'red', '--compress'], { cwd })
  t.match(await call(), { code: 0, stdout: 'red/a.fits.fz\n' })
  t.match(await call(), { code: 0, stderr: /up to date/ })
  t.equal(textOf(imageHdu(openFits(join(cwd, 'red/a.fits.fz'))).header, 'NP_CMD'), 'copy-frames')
})

t.test('a job may build on another of the same run', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['a', 'b'])
  const call = (...more: string[]) =>
    run('add-frames', ['-s', 'raw', '-r', 'deep', '--set', 'sum.twice=yes', ...more], { cwd })
  t.match(await call(), { code: 0, stdout: 'deep/sum.fits\ndeep/twice.fits\n' })
  const before = contentOf(join(cwd, 'deep'), isProduct)
  t.match((await call()).stderr, /2 jobs were up to date/)
  rmSync(join(cwd, 'deep/sum.fits'))
  const mended = await call()
  t.match(mended.stderr, /1 job was up to date/, 'remade, the parent is what it was: the other one stays')
  t.same(contentOf(join(cwd, 'deep'), isProduct), before)
  const inode = () => statSync(join(cwd, 'deep/twice.fits')).ino
  const kept = inode()
  t.notMatch((await call('--force')).stderr, /up to date/)
  t.not(inode(), kept, '--force makes it again, though its parent comes out the same')
  makeFrames(join(cwd, 'raw'), ['c'])
  const failed = await call('--set', 'sum.fail=3')
  t.equal(failed.code, 1)
  t.match(
    failed.stderr,
    /^add-frames: twice: sum, which it needs, could not be made$/m,
    'the old sum does not pass for it',
  )
  t.match(await call(), { code: 0, stdout: mended.stdout })
  t.not(contentOf(join(cwd, 'deep'), isProduct)['twice.fits'], before['twice.fits'])
})

t.test('| head -1 is no error', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['a', 'b'])
  const pipe = `"${process.execPath}" "${bundleOf('copy-frames')}" -s raw -r red --quiet | head -n 1; echo "$?"`
  t.match(finish(outside('sh', '-c', pipe), { cwd }), { stdout: 'red/a.fits\n0\n', stderr: '' })
})

t.test('nobody reading stdout is no error', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['a', 'b'])
  const { code, stderr } = await run('copy-frames', ['-s', 'raw', '-r', 'red'], {
    cwd,
    started: (child) => child.stdout!.destroy(),
  })
  t.equal(code, 0)
  t.notMatch(stderr, /EPIPE/)
})

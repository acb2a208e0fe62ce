import { join } from 'node:path'
import { imageHdu, openFits, readPixels } from '@nightpipe/fits'
import { scratch } from '@nightpipe/testing'
import t from 'tap'
import { contentOf, isProduct, linesOf, litterIn, makeFrames, makeNight, reportOf, run } from './toy/night.js'

t.test('any number of workers, in any order, gives the same bytes', async (t) => {
  const cwd = scratch()
  const frames = makeNight(join(cwd, 'raw'))
  const products: Record<string, string>[] = []
  for (const workers of ['1', '2', '3']) {
    const inputs = workers === '2' ? frames.toReversed() : frames
    const output = `red${workers}`
    const { code } = await run('copy-frames', ['-s', ...inputs, '-r', output, '--add', '1', '--workers', workers], {
      cwd,
    })
    t.equal(code, 0)
    products.push(contentOf(join(cwd, output), isProduct))
  }
  t.same(products[1], products[0])
  t.same(products[2], products[0])
  const threads = new Set(reportOf(join(cwd, 'red2')).map((row) => row.thread))
  t.same([...threads].sort(), ['1', '2'], 'both threads worked')
})

t.test('only as many jobs run at once as the memory allows', async (t) => {
  const cwd = scratch()
  makeNight(join(cwd, 'raw'))
  const threads = async (memory: string) => {
    const args = ['-s', 'raw', '-r', `red${memory}`, '--workers', '2', '--memory', memory, '--set', 'copy.memory=300']
    t.equal((await run('copy-frames', args, { cwd })).code, 0)
    return new Set(reportOf(join(cwd, `red${memory}`)).map((row) => row.thread)).size
  }
  t.same([await threads('1GB'), await threads('500MB'), await threads('100MB')], [2, 1, 1])
})

t.test('small inputs are worked on without starting threads', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['a', 'b'])
  await run('copy-frames', ['-s', 'raw', '-r', 'red', '--workers', '2'], { cwd })
  t.same(
    reportOf(join(cwd, 'red')).map((row) => row.thread),
    ['0', '0'],
  )
})

t.test('inputs that are not worth two threads are worked on without any', async (t) => {
  const cwd = scratch()
  makeFrames(join(cwd, 'raw'), ['a', 'b', 'c', 'd', 'e'], 655)
  const run3 = (input: string) =>
    run('copy-frames', ['-s', input, '-r', input.replace('raw', 'red'), '--workers', '3'], { cwd })
  const threads = (folder: string) => [...new Set(reportOf(join(cwd, folder)).map((row) => row.thread))].sort()
  await run3('raw')
  t.same(threads('red'), ['0'], '4.3 MB, where a thread wants 2.2')
  makeNight(join(cwd, 'rawer'), 6)
  await run3('rawer')
  t.equal(threads('reder').includes('0'), false, '6 MB are for two')
  t.ok(threads('reder').length <= 2, 'and not for three')
})

t.test('strips give the same bytes with 1 and 3 workers', async (t) => {
  const cwd = scratch()
  makeNight(join(cwd, 'raw'))
  for (const workers of ['1', '3']) {
    const ended = await run('add-frames', ['-s', 'raw', '-r', `deep${workers}`, '--workers', workers], { cwd })
    t.match(ended, { code: 0, stdout: `deep${workers}/sum.fits\n` })
  }
  t.same(contentOf(join(cwd, 'deep3'), isProduct), contentOf(join(cwd, 'deep1'), isProduct))
  t.same(
    reportOf(join(cwd, 'deep3'), 'add-frames').map((row) => row.product),
    Array(6).fill('sum.fits'),
  )
})

t.test(
  'threads that work together are all there at once, and one that fails ends the waiting of the others',
  async (t) => {
    const cwd = scratch()
    makeNight(join(cwd, 'raw'))
    const met = (workers: string, missing: string) =>
      run('add-frames', ['-s', 'raw', '-r', 'deep', '--workers', workers, '--set', `sum.meet=${missing}`], { cwd })
    for (const workers of ['1', '2', '3']) t.match(await met(workers, '-1'), { code: 0 }, `${workers} threads`)
    for (const missing of ['0', '1']) {
      const { code, stderr } = await run(
        'add-frames',
        ['-s', 'raw', '-r', `deep${missing}`, '--workers', '3', '--set', `sum.meet=${missing}`],
        { cwd },
      )
      t.equal(code, 1)
      t.match(stderr, `internal error: thread ${missing} does not come`)
    }
  },
)

t.test('strips can be compressed too', async (t) => {
  const cwd = scratch()
  makeNight(join(cwd, 'raw'))
  const call = (...more: string[]) => run('add-frames', ['-s', 'raw', '-r', 'deep', ...more], { cwd })
  t.match(await call('--compress', '--set', 'output.quantize=0'), { code: 0, stdout: 'deep/sum.fits.fz\n' })
  await call()
  const pixels = (name: string) => readPixels(imageHdu(openFits(join(cwd, 'deep', name))))
  t.same(pixels('sum.fits.fz'), pixels('sum.fits'), 'without loss when no quantising is asked for')
  t.same(litterIn(cwd), [])
})

t.test('a strip that fails fails its job, and leaves nothing', async (t) => {
  const cwd = scratch()
  makeNight(join(cwd, 'raw'))
  for (const workers of ['1', '2']) {
    const args = ['-s', 'raw', '-r', 'deep', '--workers', workers, '--set', 'sum.fail=300']
    const { code, stderr } = await run('add-frames', args, { cwd })
    t.equal(code, 1)
    t.match(stderr, /^add-frames: sum: internal error: row 300 cannot be added \(a bug/m)
    t.same(Object.keys(contentOf(join(cwd, 'deep'))), ['add-frames.csv'])
  }
})

for (const [stem, message, exit] of [
  ['crash', /^copy-frames: crash\.fits: internal error: its worker thread ended with code 7 \(/m, 1],
  ['greedy', /^copy-frames: greedy\.fits: out of memory: .* \(use fewer --workers/m, 5],
] as const) {
  t.test(`a thread that dies (${stem}) fails its frame only`, async (t) => {
    const cwd = scratch()
    makeNight(join(cwd, 'raw'))
    makeFrames(join(cwd, 'raw'), [stem])
    const args = ['-s', 'raw', '-r', 'red', '--workers', '2', '--memory', '128MB']
    const { code, stdout, stderr } = await run('copy-frames', args, { cwd })
    t.equal(code, exit)
    t.equal(linesOf(stdout).length, 6)
    t.match(stderr, message)
    t.equal(reportOf(join(cwd, 'red')).filter((row) => row.status === 'failed').length, 1)
    t.same(litterIn(cwd), [])
  })
}

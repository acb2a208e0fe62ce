import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { natsServer, noNats } from '@nightpipe/messages/test-server'
import { call, commandLine, until } from '@nightpipe/testing'
import t from 'tap'
import { makeProduct, type Sent, send, serve } from './support.js'

const linesOf = (path: string): Record<string, unknown>[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    : []

function subscribe(url: string, ...args: string[]): ChildProcess {
  const line = commandLine('product-store', 'subscribe', '--from', url, '--stream', 'NP', ...args)
  return spawn(...line, { stdio: 'ignore' })
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  child.kill(signal)
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
  return child.exitCode
}

t.test('each operation of a store is a message, and a command runs for each', { skip: noNats }, async (t) => {
  const folder = t.testdir()
  const nats = await natsServer(join(folder, 'nats'))
  const served = await serve(join(folder, 'store'), '--set', `messages.url=${nats.url}`, '--set', 'messages.stream=NP')
  const [seen, tries] = [join(folder, 'seen'), join(folder, 'tries')]
  // The first attempt at each product fails: it comes again.
  const command = `echo x >> ${tries}; grep -q version.:2 && exit 0; [ $(wc -l < ${tries}) -gt 1 ] || exit 1`
  const failing = subscribe(
    nats.url,
    '--durable',
    'failing',
    '--on-message',
    command,
    '--set',
    'messages.subject=products.product.>',
  )
  const keeping = subscribe(nats.url, '--durable', 'keeping', '--on-message', `{ cat; echo; } >> ${seen}`)
  t.teardown(async () => {
    await Promise.all([ended(failing, 'SIGKILL'), ended(keeping, 'SIGKILL'), served.kill('SIGKILL'), nats.kill()])
  })
  const [one, two] = [makeProduct(join(folder, 'a.fits'), 'sb1', 18), makeProduct(join(folder, 'b.fits'), 'sb1', 19)]
  for (const path of [one, two, one]) await send(served.url, path)
  await send(served.url, one, { key: 'wrong' })
  const products = () => linesOf(seen).filter(({ what }) => what === 'product')
  t.ok(await until(() => products().length === 3 && linesOf(seen).some(({ what }) => what === 'refused')))
  t.match(products(), [
    { state: 'new', version: 1, card: 'LC_GFT_FGFT', burst_id: 'sb1', sender: 'gp1', id: 1 },
    { state: 'version', version: 2 },
    { state: 'unchanged', version: 1 },
  ])
  t.match(
    linesOf(seen).find(({ what }) => what === 'refused'),
    { state: '401', reason: 'a wrong key' },
  )
  t.equal(
    linesOf(seen).filter(({ what, state }) => what === 'card' && state === 'new').length,
    14,
    'the shipped descriptors',
  )
  t.ok(await until(() => readFileSync(tries, 'utf8').length === 8), 'three messages, one of them twice')
  t.equal(await ended(keeping, 'SIGTERM'), 0)
  await served.kill('SIGTERM')
})

t.test(
  'no NATS, a dead one, kill -9 of the store: uploads go on, and no message is lost',
  { skip: noNats },
  async (t) => {
    const folder = t.testdir()
    const nats = await natsServer(join(folder, 'nats'))
    await nats.kill()
    t.teardown(() => nats.kill())
    const seen = join(folder, 'seen')
    const keeping = subscribe(nats.url, '--on-message', `{ cat; echo; } >> ${seen}`)
    t.teardown(() => ended(keeping, 'SIGKILL'))
    const paths = Array.from({ length: 20 }, (_, k) => makeProduct(join(folder, `p${k}.fits`), `sb${k}`, 18))
    const acknowledged = new Map<string, Sent>()
    for (let round = 0; round < 4; round++) {
      const served = await serve(
        join(folder, 'store'),
        '--set',
        `messages.url=${nats.url}`,
        '--set',
        'messages.stream=NP',
      )
      if (round === 1) await nats.start()
      if (round === 2) await nats.kill()
      if (round === 3) await nats.start()
      const due = paths.filter((path) => !acknowledged.has(path))
      const all = due.slice(0, round < 3 ? 10 : 20).map(async (path) => {
        const sent = await send(served.url, path)
        if (sent && sent.status < 300) acknowledged.set(path, sent)
      })
      if (round < 3) {
        await wait(120 + 100 * round)
        await served.kill('SIGKILL')
        await Promise.all(all)
        continue
      }
      await Promise.all(all)
      t.equal(acknowledged.size, 20, 'all are acknowledged in the end, with or without NATS')
      const entered = () =>
        new Set(
          linesOf(seen)
            .filter(({ what, state }) => what === 'product' && state !== 'unchanged')
            .map(({ sha256 }) => sha256),
        )
      t.ok(await until(() => entered().size === 20), 'each is told')
      await served.kill('SIGTERM')
    }
  },
)

t.test('what cannot work is refused at once', async (t) => {
  const run = (...args: string[]) => call('product-store', args)
  t.match(run('subscribe'), { status: 2, stderr: /no NATS server is named/ })
  t.match(run('subscribe', '--from', 'http://x'), { status: 2, stderr: /'http:\/\/x' is no NATS server/ })
  t.match(run('subscribe', '--from', 'nats://x', '--stream', 'a.b'), { status: 2, stderr: /'a\.b' is no name/ })
  t.match(run('subscribe', '--from', 'nats://x', '--set', 'messages.subject=a..b'), {
    status: 2,
    stderr: /is no subject/,
  })
  writeFileSync(join(t.testdir(), 'x'), '')
  const served = ['serve', '-r', t.testdir(), '--set', 'keys.a=0123456789abcdef0123', '--set']
  t.match(run(...served, 'messages.url=nowhere'), { status: 2, stderr: /'nowhere' is no NATS server/ })
})

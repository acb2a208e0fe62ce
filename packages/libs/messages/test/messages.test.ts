import { setTimeout as wait } from 'node:timers/promises'
import { until } from '@nightpipe/testing'
import t from 'tap'
import { type Arrived, covers, type Fate, follow, type Message, type Place, publishing } from '../src/index.js'
import { natsServer, noNats } from './server.js'

const log = { info() {}, warn() {}, detail() {} }
const key = 'url'

/** An outbox in memory, with what the server was said to have. */
function outboxOf(count: number) {
  const left: Message[] = []
  const add = (k: number) => left.push({ id: `m${k}`, subject: `np.x.${k % 3}`, body: JSON.stringify({ k }) })
  for (let k = 0; k < count; k++) add(k)
  return {
    ...{ left, add },
    waiting: async (most: number) => left.slice(0, most),
    arrived: async (ids: readonly string[]) => {
      for (const id of ids)
        left.splice(
          left.findIndex((one) => one.id === id),
          1,
        )
    },
  }
}

/** A subscriber that does what `judge` says, and remembers what it was given. */
function follower(place: Place, judge: (k: number, message: Arrived) => Fate = () => 'done', more = {}) {
  const end = new AbortController()
  const got: number[] = []
  const all = { ...place, subject: 'np.>', durable: 'one', attempts: 0, atOnce: 1, ...more }
  const work = follow(all, { log, signal: end.signal, key, firstWait: 0.05 }, async (message) => {
    const { k } = JSON.parse(Buffer.from(message.body).toString()) as { k: number }
    const fate = judge(k, message)
    if (fate === 'done') got.push(k)
    return fate
  })
  return {
    got,
    async stop() {
      end.abort()
      await work
    },
  }
}

t.test(
  'with JetStream messages arrive once, in order, also those sent before the subscriber came',
  { skip: noNats },
  async (t) => {
    const server = await natsServer(t.testdir())
    t.teardown(() => server.kill())
    const place = { url: server.url, stream: 'NP', credentials: '' }
    const outbox = outboxOf(250)
    const end = new AbortController()
    const sending = publishing({ ...place, subject: 'np' }, outbox, { log, signal: end.signal, key })
    t.ok(await until(() => outbox.left.length === 0))
    const one = follower(place)
    t.ok(await until(() => one.got.length === 250))
    t.same(
      one.got,
      Array.from({ length: 250 }, (_, k) => k),
    )
    outbox.add(250)
    sending.poke()
    t.ok(await until(() => one.got.length === 251), 'one more, when it comes')
    await one.stop()
    const again = follower(place)
    const other = follower(place, undefined, { durable: 'other', atOnce: 50, subject: 'np.*.1' })
    t.ok(await until(() => other.got.length === 84), 'another subscriber gets its own, a third of them')
    await wait(200)
    t.same(again.got, [], 'what was done does not come again')
    await Promise.all([again.stop(), other.stop(), sending.close()])
  },
)

t.test('a server that is killed and comes back costs no message', { skip: noNats }, async (t) => {
  const server = await natsServer(t.testdir())
  t.teardown(() => server.kill())
  const place = { url: server.url, stream: 'NP', credentials: '' }
  const outbox = outboxOf(0)
  const end = new AbortController()
  const sending = publishing({ ...place, subject: 'np' }, outbox, { log, signal: end.signal, key, firstWait: 0.05 })
  const one = follower(place)
  for (let k = 0; k < 120; k++) {
    outbox.add(k)
    sending.poke()
    if (k === 30 || k === 80) await server.kill()
    if (k === 50 || k === 100) await server.start()
    await wait(5)
  }
  t.ok(await until(() => outbox.left.length === 0), 'all have left')
  t.ok(await until(() => new Set(one.got).size === 120), 'and arrived')
  await Promise.all([one.stop(), sending.close()])
})

t.test(
  'what fails comes again, what is refused does not, and one that always fails is given up',
  { skip: noNats },
  async (t) => {
    const server = await natsServer(t.testdir())
    t.teardown(() => server.kill())
    const place = { url: server.url, stream: 'NP', credentials: '' }
    const outbox = outboxOf(6)
    const sending = publishing({ ...place, subject: 'np' }, outbox, { log, signal: new AbortController().signal, key })
    const tries = new Map<number, number>()
    const one = follower(
      place,
      (k, { before }) => {
        t.equal(before, tries.get(k) ?? 0)
        tries.set(k, before + 1)
        return k === 1 ? (before < 1 ? 'again' : 'done') : k === 2 ? 'refused' : k === 3 ? 'again' : 'done'
      },
      { attempts: 2 },
    )
    t.ok(await until(() => one.got.length === 4 && tries.get(3) === 2))
    t.same(one.got, [0, 4, 5, 1], 'the others do not wait for it')
    await wait(2500)
    t.same([tries.get(1), tries.get(2), tries.get(3)], [2, 1, 2])
    await Promise.all([one.stop(), sending.close()])
  },
)

t.test('without a stream a message reaches who listens', { skip: noNats }, async (t) => {
  const server = await natsServer(t.testdir())
  t.teardown(() => server.kill())
  const place = { url: server.url, stream: '', credentials: '' }
  const outbox = outboxOf(0)
  const sending = publishing({ ...place, subject: 'np' }, outbox, { log, signal: new AbortController().signal, key })
  const one = follower(place)
  for (let k = 0; one.got.length < 3 && k < 100; k++) {
    outbox.add(k)
    sending.poke()
    await wait(50)
  }
  t.ok(one.got.length >= 3)
  t.equal(outbox.left.length, 0)
  await Promise.all([one.stop(), sending.close()])
})

t.test(
  'a stream that keeps other subjects is not changed, and said to be the wrong one',
  { skip: noNats },
  async (t) => {
    const server = await natsServer(t.testdir())
    t.teardown(() => server.kill())
    const place = { url: server.url, stream: 'NP', credentials: '' }
    const first = publishing({ ...place, subject: 'other' }, outboxOf(0), {
      log,
      signal: new AbortController().signal,
      key,
    })
    await wait(300)
    const said: string[] = []
    const outbox = outboxOf(1)
    const talk = { ...log, warn: (text: string) => said.push(text) }
    const second = publishing({ ...place, subject: 'np' }, outbox, {
      log: talk,
      signal: new AbortController().signal,
      key,
    })
    t.ok(await until(() => said.length > 0))
    t.match(said[0], /the stream NP keeps other\.>, not np\.>/)
    t.equal(outbox.left.length, 1, 'the message waits')
    await Promise.all([first.close(), second.close()])
  },
)

t.test('patterns of subjects', async (t) => {
  for (const [wide, narrow, is] of [
    ['a.>', 'a.b', true],
    ['a.>', 'a.b.>', true],
    ['a.*', 'a.b', true],
    ['a.*', 'a.>', false],
    ['a.>', 'a', false],
    ['a.b', 'a.b', true],
    ['a.b', 'a.c', false],
    ['>', 'x.y', true],
  ] as const)
    t.equal(covers(wide, narrow), is, `${wide} and ${narrow}`)
})

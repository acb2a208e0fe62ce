import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { frameMessage, readTransport, type Transport, transportText, unframer } from '@nightpipe/alerts'
import { freePort, until } from '@nightpipe/testing'
import t, { type Test } from 'tap'
import { event, run, startListener } from './support.js'

/** A peer that speaks VTP byte by byte, with what it hears. */
async function caller(port: number) {
  const socket = connect(port, '127.0.0.1')
  const reader = unframer()
  const heard: (Transport | string)[] = []
  let wake = () => {}
  socket.on('error', () => {})
  socket.on('data', (piece) => {
    for (const message of reader.take(piece)) heard.push(readTransport(message) ?? Buffer.from(message).toString())
    wake()
  })
  await once(socket, 'connect')
  const hear = async (is: (said: Transport | string) => boolean): Promise<Transport | string> => {
    for (;;) {
      const index = heard.findIndex(is)
      if (index >= 0) return heard.splice(index, 1)[0]!
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return { socket, heard, hear }
}
const role = (wanted: Transport['role']) => (said: Transport | string) =>
  typeof said !== 'string' && said.role === wanted
const isEvent = (said: Transport | string) => typeof said === 'string'
const transport = (said: Transport['role'], more: Partial<Transport> = {}) =>
  frameMessage(transportText({ role: said, origin: 'ivo://test/peer', params: [], ...more }))

async function broker(t: Test, settings: Record<string, string> = {}) {
  const cwd = t.testdir({})
  const [receive, broadcast] = [await freePort(), await freePort()]
  const listener = startListener(cwd, {
    'broker.receive': `127.0.0.1:${receive}`,
    'broker.broadcast': `127.0.0.1:${broadcast}`,
    ...settings,
  })
  t.teardown(() => listener.child.kill('SIGKILL'))
  await listener.says(/for authors/)
  return { cwd, receive, broadcast, listener }
}

t.test('an event that is sent is acknowledged, kept, passed on and made a trigger; once', async (t) => {
  const { cwd, receive, broadcast, listener } = await broker(t, {
    'command.run': 'cat > $VOEVENT_BURST.copy; echo "$VOEVENT_TRIGGER" > path',
  })
  const subscriber = await caller(broadcast)
  t.equal(((await subscriber.hear(role('authenticate'))) as Transport).origin, 'ivo://nightpipe/broker')
  const text = event('sb26010101', 'eclairs-wakeup')
  for (let k = 0; k < 2; k++) {
    const sent = run(['send', '--to', `127.0.0.1:${receive}`], cwd, text)
    t.equal(sent.status, 0, sent.stderr)
  }
  t.equal(await subscriber.hear(isEvent), text, 'byte by byte')
  await listener.says(/had come before/)
  t.equal(subscriber.heard.filter(isEvent).length, 0, 'not twice')
  listener.child.kill('SIGTERM')
  t.equal(await listener.ended, 0)
  t.equal(listener.stdout(), `${join(cwd, 'out/trigger_sb26010101.dat')}\n`)
  t.equal(readFileSync(join(cwd, 'sb26010101.copy'), 'utf8'), text, 'the command had it on its standard input')
  t.equal(readFileSync(join(cwd, 'path'), 'utf8').trim(), join(cwd, 'out/trigger_sb26010101.dat'))
})

t.test('in pieces of any size, several in one, and what is no event is refused with the reason', async (t) => {
  const { receive } = await broker(t)
  const author = await caller(receive)
  const two = Buffer.concat([frameMessage(event('sb26010101', 'a')), frameMessage(event('sb26010101', 'b'))])
  for (let k = 0; k < two.length; k += 100) {
    author.socket.write(two.subarray(k, k + 100))
    if (k % 300 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  for (const kind of ['a', 'b']) {
    t.equal(((await author.hear(role('ack'))) as Transport).response, `ivo://org.svom/fsc#sb26010101_${kind}`)
  }
  author.socket.write(frameMessage('<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>'))
  t.match(((await author.hear(role('nak'))) as Transport).result, /document type/)
  const greedy = await caller(receive)
  greedy.socket.write(Uint8Array.of(0x40, 0, 0, 0))
  t.match(((await greedy.hear(role('nak'))) as Transport).result, /1073741824 bytes is announced/)
  await once(greedy.socket, 'close')
  const refused = run(['send', '--to', `127.0.0.1:${receive}`], t.testdir({}), event('x', 'y', { role: 'joke' }))
  t.equal(refused.status, 3)
})

t.test('a dead, a silent and a choosy subscriber stop nobody', async (t) => {
  const { receive, broadcast, listener } = await broker(t, { 'timing.alive': '1.5' })
  const dead = connect(broadcast, '127.0.0.1')
  dead.pause()
  dead.on('error', () => {})
  const choosy = await caller(broadcast)
  await choosy.hear(role('authenticate'))
  choosy.socket.write(
    transport('authenticate', { params: [{ name: 'xpath-filter', value: '//Param[@name="SNR"]/@value > 10' }] }),
  )
  await listener.says(/wants \/\/Param/)
  const beat = setInterval(() => choosy.socket.write(transport('iamalive')), 100)
  t.teardown(() => {
    clearInterval(beat)
    choosy.socket.destroy()
    dead.destroy()
  })
  const author = await caller(receive)
  for (let k = 0; k < 30; k++)
    author.socket.write(frameMessage(event(`sb260101${String(k).padStart(2, '0')}`, 'eclairs-wakeup', { snr: k % 20 })))
  for (let k = 0; k < 30; k++) await author.hear(role('ack'))
  const wanted = 9
  for (let k = 0; k < wanted; k++) t.match(await choosy.hear(isEvent), /name="SNR" value="1[1-9]"/)
  await listener.says(/let go: (does not say that it is there|10 events without an answer)/)
  author.socket.destroy()
})

t.test('events that come all at once reach a subscriber that answers, all of them in their order', async (t) => {
  const { receive, broadcast } = await broker(t)
  const subscriber = await caller(broadcast)
  await subscriber.hear(role('authenticate'))
  const author = await caller(receive)
  const names = Array.from({ length: 100 }, (_, k) => `sb2601${String(1000 + k).slice(-4)}`)
  author.socket.write(Buffer.concat(names.map((name) => frameMessage(event(name, 'x')))))
  for (const name of names) {
    t.match(await subscriber.hear(isEvent), `#${name}_x`)
    subscriber.socket.write(transport('ack'))
  }
  subscriber.socket.destroy()
  author.socket.destroy()
})

t.test('a remote broker is subscribed to, answered, and called again when it hangs up', async (t) => {
  const server = createServer()
  const calls: Socket[] = []
  const replies: Transport[] = []
  server.on('connection', (socket) => {
    calls.push(socket)
    const reader = unframer()
    socket.on('error', () => {})
    socket.on('data', (piece) => {
      for (const message of reader.take(piece)) replies.push(readTransport(message)!)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const cwd = t.testdir({})
  const rule = '//Param[@name="SNR"]/@value > 5'
  const listener = startListener(
    cwd,
    {
      ...{ 'broker.receive': '', 'broker.remotes': `127.0.0.1:${port}`, 'broker.filter': rule },
      ...{ 'timing.first wait': '0.05', 'timing.silence': '1' },
    },
    ['--count', '1'],
  )
  t.teardown(() => {
    listener.child.kill('SIGKILL')
    server.close()
  })
  await until(() => calls.length === 1)
  calls[0]!.write(transport('iamalive'))
  calls[0]!.write(transport('authenticate'))
  await until(() => replies.length === 2)
  t.equal(replies[0]!.role, 'iamalive')
  t.same(replies[1]!.params, [{ name: 'xpath-filter', value: rule }])
  calls[0]!.destroy()
  await until(() => calls.length === 2)
  // This one says nothing: it is hung up on, and called again.
  await until(() => calls.length === 3)
  calls[2]!.write(frameMessage(event('sb26010101', 'faint', { snr: 1 })))
  calls[2]!.write(frameMessage(event('sb26010102', 'bright', { snr: 50 })))
  await until(() => replies.length === 4)
  t.same(
    replies.slice(2).map(({ role: said, response }) => [said, response]),
    [
      ['ack', 'ivo://org.svom/fsc#sb26010101_faint'],
      ['ack', 'ivo://org.svom/fsc#sb26010102_bright'],
    ],
    'all are acknowledged',
  )
  t.equal(await listener.ended, 0)
  t.same(
    readdirSync(join(cwd, 'out')).filter((name) => name.endsWith('.dat')),
    ['trigger_sb26010102.dat'],
  )
})

t.test('only who may send is heard; addresses that are none are refused at once', async (t) => {
  const { receive, listener, cwd } = await broker(t, { 'broker.authors': '10.0.0.0/8' })
  const { status, stderr } = run(['send', '--to', `127.0.0.1:${receive}`], cwd, event('sb26010101', 'x'))
  t.equal(status, 3)
  t.match(stderr, /closed the connection without an answer|ECONNRESET/)
  await listener.says(/is not among the networks of authors/)
  t.notOk(existsSync(join(cwd, 'out/events.csv')))
  for (const [key, value] of [
    ['broker.receive', 'nowhere'],
    ['broker.authors', '300.1.1.1/8'],
    ['broker.filter', '//Param['],
  ]) {
    const wrong = run(['listen', '-r', 'out', '--set', `${key}=${value}`, '--set', 'broker.remotes=127.0.0.1:1'], cwd)
    t.equal(wrong.status, 2, wrong.stderr)
  }
})

t.test('killed while events come in, and started again: every acknowledged one is there, none twice', async (t) => {
  const cwd = t.testdir({})
  const port = await freePort()
  const start = async () => {
    const listener = startListener(cwd, { 'broker.receive': `127.0.0.1:${port}` })
    await listener.says(/for authors/)
    return listener
  }
  const acknowledged = new Set<string>()
  let listener = await start()
  for (let round = 0; round < 4; round++) {
    const author = await caller(port)
    const names = Array.from({ length: 25 }, (_, k) => `sb2601${String(10 + round)}${String(k).padStart(2, '0')}`)
    for (const name of names) author.socket.write(frameMessage(event(name, 'grm-trigger')))
    setTimeout(() => listener.child.kill('SIGKILL'), 30 + 40 * round)
    await listener.ended
    for (const said of author.heard) if (role('ack')(said)) acknowledged.add((said as Transport).response!)
    author.socket.destroy()
    listener = await start()
    // Whoever was not acknowledged sends again.
    const again = await caller(port)
    const due = names.filter((name) => !acknowledged.has(`ivo://org.svom/fsc#${name}_grm-trigger`))
    for (const name of due) again.socket.write(frameMessage(event(name, 'grm-trigger')))
    for (const _ of due) acknowledged.add(((await again.hear(role('ack'))) as Transport).response!)
    again.socket.destroy()
  }
  listener.child.kill('SIGTERM')
  await listener.ended
  t.equal(acknowledged.size, 100)
  const rows = readFileSync(join(cwd, 'out/events.csv'), 'utf8').trim().split('\n').slice(1)
  t.equal(rows.length, 100)
  t.equal(new Set(rows.map((row) => row.split(',')[0])).size, 100)
  t.equal(readdirSync(join(cwd, 'out')).filter((name) => name.endsWith('.dat')).length, 100)
})

t.test(
  'what was acknowledged reaches the command, though the listener is killed before or while it runs',
  async (t) => {
    const cwd = t.testdir({})
    const port = await freePort()
    // A command takes its time, and says when it has ended.
    const command = 'sleep 0.15; cat > $VOEVENT_BURST.xml; echo $VOEVENT_BURST $VOEVENT_STATE >> given'
    const start = async (run = command) => {
      const listener = startListener(cwd, { 'broker.receive': `127.0.0.1:${port}`, 'command.run': run })
      await listener.says(/for authors/)
      t.teardown(() => listener.child.kill('SIGKILL'))
      return listener
    }
    const given = () =>
      existsSync(join(cwd, 'given')) ? readFileSync(join(cwd, 'given'), 'utf8').trim().split('\n') : []
    const acknowledged: string[] = []
    for (let round = 0; round < 3; round++) {
      const listener = await start()
      const author = await caller(port)
      const names = Array.from({ length: 6 }, (_, k) => `sb26010${round}0${k}`)
      author.socket.write(Buffer.concat(names.map((name) => frameMessage(event(name, 'grm-trigger')))))
      for (const _ of names) acknowledged.push(((await author.hear(role('ack'))) as Transport).response!)
      await new Promise((resolve) => setTimeout(resolve, 100 * round))
      listener.child.kill('SIGKILL')
      await listener.ended
      author.socket.destroy()
    }
    t.equal(acknowledged.length, 18)
    const last = await start()
    await last.says(/events of an earlier run are given to the command/)
    const second = run(['listen', '-r', 'out', '--set', 'broker.receive=0', '--set', 'command.run=true'], cwd)
    t.match(second, { status: 3, stderr: /another voevent listen gives events of .* to a command/ })
    t.ok(await until(() => readdirSync(join(cwd, 'out/commands')).length === 0))
    last.child.kill('SIGTERM')
    t.equal(await last.ended, 0)
    const bursts = acknowledged.map((ivorn) => /sb\d+/.exec(ivorn)![0])
    t.same([...new Set(given().map((line) => line.split(' ')[0]))].sort(), [...bursts].sort())
    t.ok(given().every((line) => line.endsWith(' active')))
    // Only what ran at a kill may run again.
    t.ok(given().length <= 18 + 3, `${given().length} runs`)
    t.match(readFileSync(join(cwd, 'sb26010205.xml'), 'utf8'), 'fsc#sb26010205_grm-trigger')
    t.same(readdirSync(join(cwd, 'out/commands')), [])
  },
)

t.test('told to end, the command at hand ends; what waits is given to it at the next start', async (t) => {
  const cwd = t.testdir({})
  const port = await freePort()
  const settings = { 'broker.receive': `127.0.0.1:${port}`, 'command.run': 'sleep 0.3; echo $VOEVENT_BURST >> given' }
  const first = startListener(cwd, settings)
  t.teardown(() => first.child.kill('SIGKILL'))
  await first.says(/for authors/)
  const author = await caller(port)
  for (let k = 0; k < 4; k++) author.socket.write(frameMessage(event(`sb2601010${k}`, 'x')))
  for (let k = 0; k < 4; k++) await author.hear(role('ack'))
  author.socket.destroy()
  first.child.kill('SIGTERM')
  t.equal(await first.ended, 0)
  t.match(first.stderr(), /[123] events wait for the command: they are given to it at the next start/)
  const idle = startListener(cwd, { 'broker.receive': `127.0.0.1:${port}` })
  await idle.says(/[123] events of an earlier run wait for a command, and \[command\] run is empty/)
  idle.child.kill('SIGTERM')
  await idle.ended
  const next = startListener(cwd, settings, ['--count', '1'])
  await next.says(/for authors/)
  t.equal(run(['send', '--to', `127.0.0.1:${port}`], cwd, event('sb26010104', 'x')).status, 0)
  t.equal(await next.ended, 0)
  t.same(
    readFileSync(join(cwd, 'given'), 'utf8').trim().split('\n'),
    [0, 1, 2, 3, 4].map((k) => `sb2601010${k}`),
  )
})

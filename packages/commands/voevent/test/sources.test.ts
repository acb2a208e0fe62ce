import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type Outbox, publishing } from '@nightpipe/messages'
import { natsServer, noNats } from '@nightpipe/messages/test-server'
import { until } from '@nightpipe/testing'
import t, { type Test } from 'tap'
import { event, run, startListener } from './support.js'

const rowsIn = (cwd: string): string[] =>
  existsSync(join(cwd, 'out/events.csv'))
    ? readFileSync(join(cwd, 'out/events.csv'), 'utf8').trim().split('\n').slice(1)
    : []
const visible = (folder: string) =>
  existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith('.')) : []

function spool(t: Test, settings: Record<string, string> = {}) {
  const cwd = t.testdir({ in: {} })
  const start = () => {
    const listener = startListener(cwd, {
      ...{ 'broker.receive': '', 'folder.watch': join(cwd, 'in'), 'folder.settle': '0.15', 'folder.patience': '0.6' },
      ...settings,
    })
    t.teardown(() => listener.child.kill('SIGKILL'))
    return listener
  }
  return { cwd, start, at: (name: string) => join(cwd, 'in', name) }
}

t.test('events that appear in a folder are taken whole, once, and moved; what is none is set aside', async (t) => {
  const { cwd, start, at } = spool(t, {
    'command.run': 'cat > got.$VOEVENT_BURST',
    'broker.filter': 'not(//Param[@name="SNR"]/@value > 90)',
  })
  writeFileSync(at('before.xml'), event('sb26010101', 'eclairs-wakeup'))
  const listener = start()
  await listener.says(/takes events from/)
  // A slow writer: in three pieces, the pauses longer than a file must be still.
  const slow = event('sb26010102', 'eclairs-wakeup')
  writeFileSync(at('slow.xml'), slow.slice(0, 200))
  await wait(300)
  appendFileSync(at('slow.xml'), slow.slice(200, 500))
  await wait(300)
  appendFileSync(at('slow.xml'), slow.slice(500))
  writeFileSync(at('.hidden.xml'), event('sb26010103', 'x'))
  writeFileSync(at('ivo__org.svom_fscsb26010104_a'), event('sb26010104', 'a'))
  writeFileSync(at('again.xml'), event('sb26010101', 'eclairs-wakeup'))
  writeFileSync(at('loud.xml'), event('sb26010105', 'a', { snr: 99 }))
  writeFileSync(at('notes.xml'), 'this is no event')
  writeFileSync(at('huge.xml'), Buffer.alloc(3e6, 32))
  renameSync(at('.hidden.xml'), at('renamed.xml'))
  t.ok(await until(() => visible(at('.')).join() === 'refused,taken'), visible(at('.')).join())
  t.same(visible(at('refused')), ['huge.xml', 'notes.xml'])
  t.equal(visible(at('taken')).length, 6)
  t.equal(rowsIn(cwd).length, 4, 'one came twice, one did not meet the rule')
  // A command runs after its event was taken, and one that has not begun is kept for the next listener.
  const got = join(cwd, 'got.sb26010102')
  t.ok(await until(() => existsSync(got) && readFileSync(got, 'utf8') === slow), 'the command had the whole of it')
  listener.child.kill('SIGTERM')
  t.equal(await listener.ended, 0)
  t.notOk(existsSync(join(cwd, 'got.sb26010105')))
})

t.test('killed over a full folder again and again: each event is entered once', async (t) => {
  const { cwd, start, at } = spool(t, { 'folder.settle': '0' })
  for (let k = 0; k < 120; k++)
    writeFileSync(at(`e${k}.xml`), event(`sb2601${String(1000 + k).slice(-4)}`, 'grm-trigger'))
  for (let round = 0; round < 5; round++) {
    const listener = start()
    await listener.says(/takes events from/)
    await wait(round * 25)
    listener.child.kill('SIGKILL')
    await listener.ended
  }
  const listener = start()
  t.ok(await until(() => visible(at('.')).join() === 'taken'))
  listener.child.kill('SIGTERM')
  await listener.ended
  t.equal(visible(at('taken')).length, 120)
  t.equal(rowsIn(cwd).length, 120)
  t.equal(new Set(rowsIn(cwd).map((row) => row.split(',')[0])).size, 120)
  t.equal(run(['listen', '-r', 'out', '--set', `folder.watch=${at('nowhere')}`], cwd).status, 2)
})

t.test(
  'events from NATS are taken as from anywhere: checked, once, also after kill -9 of all',
  { skip: noNats },
  async (t) => {
    const cwd = t.testdir()
    mkdirSync(join(cwd, 'nats'))
    const nats = await natsServer(join(cwd, 'nats'))
    const left = Array.from({ length: 200 }, (_, k) => ({
      id: `e${k}`,
      subject: 'voevent.svom',
      body:
        k % 20 === 19
          ? '<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>'
          : event(`sb2601${String(1000 + (k % 190)).slice(-4)}`, 'x'),
    }))
    const outbox: Outbox = {
      waiting: async (most) => left.slice(0, most),
      arrived: async (ids) => void left.splice(0, ids.length),
    }
    const log = { info() {}, warn() {}, detail() {} }
    const place = { url: nats.url, stream: 'ALERTS', credentials: '' }
    const means = { log, signal: new AbortController().signal, key: 'url', firstWait: 0.05 }
    const sending = publishing({ ...place, subject: 'voevent' }, outbox, means)
    const start = () =>
      startListener(cwd, {
        'broker.receive': '',
        'nats.url': nats.url,
        'nats.stream': 'ALERTS',
        'nats.subject': 'voevent.>',
      })
    t.teardown(() => nats.kill())
    t.ok(await until(() => left.length === 0), 'they wait on the server')
    const first = start()
    await first.says(/follows voevent/)
    await until(() => rowsIn(cwd).length > 0)
    first.child.kill('SIGKILL')
    await first.ended
    await nats.kill()
    const second = start()
    t.teardown(() => second.child.kill('SIGKILL'))
    await second.says(/called again until it answers/)
    await nats.start()
    t.ok(await until(() => rowsIn(cwd).length === 181), `${rowsIn(cwd).length}`)
    t.match(first.stderr() + second.stderr(), /refused a message of voevent\.svom: .*document type/)
    second.child.kill('SIGTERM')
    t.equal(await second.ended, 0)
    t.equal(new Set(rowsIn(cwd).map((row) => row.split(',')[0])).size, 181)
    await sending.close()
  },
)

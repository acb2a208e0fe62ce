import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandLine, finish, freePort, lacking, outside, shellEnvironment, until } from '@nightpipe/testing'
import t, { type Test } from 'tap'
import { command, simulate } from './simulated.js'

const KEY = '0123456789abcdef0123'
const FLARE = `exposure = 20
stars = 90
[files]
wcs = exact
[events]
variables = 0
movers = 0
transients = 1
transient start = 0.45
transient magnitude = 19`

/** A process of ours, ended by its number. */
function start(t: Test, name: string, ...args: string[]): ChildProcess & { said(): string } {
  const child = spawn(...commandLine(name, ...args), { env: shellEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (piece) => (text += piece))
  t.teardown(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
  })
  return Object.assign(child, { said: () => text })
}

/** Done, or the reason why not as an error. */
function done(name: string, ...args: string[]): string {
  const { status, stdout, stderr } = command(name, ...args)
  if (status !== 0) throw new Error(`${name} ${args.join(' ')}: ${status} ${stderr}`)
  return stdout
}

interface Truth {
  ra: number
  dec: number
  /** when it flared, MJD */
  mjd: number
}

function truthOf(folder: string): Truth {
  const [head, ...lines] = readFileSync(join(folder, 'truth/stars.csv'), 'utf8').split('\n')
  const names = head!.split(',')
  const cells = lines.find((line) => line.includes(',transient,'))!.split(',')
  const of = (name: string) => Number(cells[names.indexOf(name)])
  return { ra: of('ra_deg'), dec: of('dec_deg'), mjd: of('moment_mjd') }
}

/** What the satellite says: a position 20 arcsec off, within a circle of 2 arcmin. */
function voevent({ ra, dec, mjd }: Truth, kind: string, more = ''): string {
  const t0 = new Date(Math.round((mjd - 40587) * 864e5)).toISOString().replace('Z', '')
  return `<?xml version="1.0" encoding="UTF-8"?>
<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" role="observation" version="2.0" ivorn="ivo://org.svom/fsc#sb24031201_${kind}">
<Who><Date>${t0}</Date></Who><What><Param name="Burst_Id" value="sb24031201"/><Param name="SNR" value="9"/></What>
<WhereWhen><ObsDataLocation><ObservationLocation><AstroCoordSystem id="UTC-ICRS-GEO"/><AstroCoords coord_system_id="UTC-ICRS-GEO">
<Time><TimeInstant><ISOTime>${t0}</ISOTime></TimeInstant></Time>
<Position2D unit="deg"><Value2><C1>${ra}</C1><C2>${dec + 20 / 3600}</C2></Value2><Error2Radius>${2 / 60}</Error2Radius></Position2D>
</AstroCoords></ObservationLocation></ObsDataLocation></WhereWhen>${more}</voe:VOEvent>`
}

/** Masters, a template from before the event, and configurations: what an observatory has before the alert comes. */
function prepare(cwd: string): string[] {
  const at = (...parts: string[]) => join(cwd, ...parts)
  for (const name of ['in', 'cfg', 'triggers']) mkdirSync(at(name))
  simulate(at('raw'), 256, 8, FLARE)
  done('stack-calibrations', '--input', at('raw'), '--output', at('bank'), '--quiet')
  const frames = readdirSync(at('raw')).filter((name) => name.startsWith('object'))
  const reduction = `[Calibration]\nfolder = ${at('bank')}\ndark = none\n[Cosmic rays]\ncompare = 0\n`
  writeFileSync(at('cfg/reduction.cfg'), reduction)
  done('reduction', '--input', at('raw', frames[3]!), '--output', at('template'), '--config', at('cfg/reduction.cfg'))
  const stages = ['reduction', 'subtraction', 'summary'].map((name) => `${name} = yes\n`).join('')
  writeFileSync(at('cfg/pipeline.cfg'), `[Structure of pipeline]\n${stages}`)
  const light = `[photometry]\nzero point = ${24.4 + 2.5 * Math.log10(20)}\n`
  writeFileSync(at('cfg/subtraction.cfg'), `[reference]\nfile = ${at('template')}\n${light}`)
  return frames.slice(4)
}

function gp1File(cwd: string, store: string): string {
  const path = join(cwd, 'gp1.cfg')
  writeFileSync(join(cwd, 'key'), KEY)
  const general = `[General]\ninput = ${cwd}/in\nlog_path = ${cwd}/log\ntriggers = ${cwd}/triggers\npoll = 0.3\n`
  const products = `[products]\nmake = yes\nstore = ${store}\nkey file = ${cwd}/key\nagain = 1\n`
  const pipeline = `[pipeline-a]\nconfiguration_path_dir = ${cwd}/cfg\nworkspace_dir = ${cwd}/work\n`
  writeFileSync(path, general + products + pipeline)
  return path
}

const CARDS = ['DT', 'LC', 'META', 'PO', 'QF', 'QLC', 'QTI'].map((kind) => `${kind}_GFT_FGFT`)
const isVerified = !lacking('fitsverify')

t.test('from an alert by TCP to products in the store, and to its retraction, without a person', async (t) => {
  const cwd = t.testdir()
  const frames = prepare(cwd)
  const truth = truthOf(join(cwd, 'raw'))
  const store = start(t, 'product-store', 'serve', '-r', join(cwd, 'store'), '--port', '0', '--set', `keys.gp1=${KEY}`)
  const port = await freePort()
  const broker = start(t, 'voevent', 'listen', '-r', join(cwd, 'triggers'), '--set', `broker.receive=${port}`)
  t.ok(await until(() => /http:\S+/.test(store.said()) && /for authors/.test(broker.said())), 'all are there')
  const url = /http:\S+/.exec(store.said())![0]
  let gp1 = start(t, 'gp1', '--config', gp1File(cwd, url))
  const send = (text: string) => {
    writeFileSync(join(cwd, 'event.xml'), text)
    done('voevent', 'send', '--input', join(cwd, 'event.xml'), '--to', `127.0.0.1:${port}`)
  }
  const log = () => (existsSync(join(cwd, 'log/gp1.log')) ? readFileSync(join(cwd, 'log/gp1.log'), 'utf8') : '')
  const inStore = async (): Promise<[string, number, string][]> => {
    const answer = await fetch(`${url}/search/result/products?a=card;version;burst_id`)
    return ((await answer.json()) as { rows: [string, number, string][] }).rows
  }

  send(voevent(truth, 'eclairs-wakeup'))
  t.ok(await until(() => /event sb24031201 is open: at 2024-03-12T00:33:5.*within 2\.0 arcmin/.test(log())), log())
  for (const name of frames.slice(0, 3)) copyFileSync(join(cwd, 'raw', name), join(cwd, 'in', name))
  t.ok(await until(async () => new Set((await inStore()).map(([card]) => card)).size === 7), log())
  // It dies, and the next one goes on: the event is still open.
  gp1.kill('SIGKILL')
  await once(gp1, 'close')
  copyFileSync(join(cwd, 'raw', frames[3]!), join(cwd, 'in', frames[3]!))
  gp1 = start(t, 'gp1', '--config', gp1File(cwd, url))
  const versions = async (card: string) => (await inStore()).filter(([one]) => one === card).length
  t.ok(await until(async () => (await versions('LC_GFT_FGFT')) >= 2), 'a later image is a new version')
  t.same([...new Set((await inStore()).map(([card]) => card))].sort(), CARDS)
  t.ok((await inStore()).every(([, , burst]) => burst === 'sb24031201'))

  const field = join(cwd, 'work/m67')
  await t.test('the products say what happened', (t) => {
    const products = join(field, 'products')
    const names = readdirSync(products).filter((name) => name.endsWith('.fits'))
    t.equal(names.length, 7)
    const check = command('product-build', 'check', '--input', products)
    t.equal(check.status, 0, check.stdout + check.stderr)
    if (isVerified) {
      const { stdout } = finish(outside('fitsverify', '-q', ...names.map((name) => join(products, name))))
      t.equal(stdout.match(/verification OK/g)?.length, 7, stdout)
    } else t.comment('fitsverify is not installed')
    t.ok(
      readdirSync(products).some((name) => name.endsWith('.png')),
      'the finding chart',
    )
    const page = JSON.parse(readFileSync(join(field, 'summary/summary.json'), 'utf8')) as {
      t0: number
      event: object
      candidates: { ra: number; dec: number }[]
      pictures: { circle?: { radius: number } }[]
    }
    t.ok(Math.abs(page.t0 - truth.mjd) < 1e-6, 'T0 on the page')
    t.match(page.event, { burstId: 'sb24031201', status: 'active' })
    const away = page.candidates.map(
      ({ ra, dec }) => 3600 * Math.hypot((ra - truth.ra) * Math.cos((dec * Math.PI) / 180), dec - truth.dec),
    )
    t.ok(Math.min(...away) < 0.3, `the transient is among the candidates: ${away}`)
    t.ok(Math.abs(page.pictures[0]!.circle!.radius - 240) < 3, 'the circle of errors: 2 arcmin of 0.5 arcsec pixels')
    t.match(readFileSync(join(field, 'summary/summary.html'), 'utf8'), /sb24031201 at .* ± 2\.0′/)
    t.end()
  })

  send(
    voevent(
      truth,
      'retraction',
      '<Citations><EventIVORN cite="retraction">ivo://org.svom/fsc#sb24031201_eclairs-wakeup</EventIVORN><Description>a flare of a star</Description></Citations>',
    ),
  )
  t.ok(await until(() => /event sb24031201 is closed: a flare of a star/.test(log())))
  const page = () => readFileSync(join(field, 'summary/summary.html'), 'utf8')
  t.ok(await until(() => /RETRACTED/.test(page()) && /retracted: a flare of a star/.test(page())), 'the page says so')
  const before = (await inStore()).length
  gp1.kill('SIGTERM')
  if (gp1.exitCode === null) await once(gp1, 'close')
  t.equal(gp1.exitCode, 0)
  t.equal((await inStore()).length, before, 'nothing more is published')
})

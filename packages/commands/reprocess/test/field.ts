import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { askStore } from '@nightpipe/products'
import { parseCsv } from '@nightpipe/table'
import { call, commandLine } from '@nightpipe/testing'

export const KEY = '0123456789abcdef0123'
export const BURST = 'sb24031201'
const environment = () => ({ ...process.env, NIGHTPIPE_STORE_KEY: KEY })

export const run = (name: string, ...args: string[]) => call(name, args, { env: environment() })

function must(name: string, ...args: string[]): string {
  const { status, stdout, stderr } = run(name, ...args)
  if (status !== 0) throw new Error(`${name} ${args.join(' ')}: ${status} ${stderr}`)
  return stdout
}

export const start = (name: string, ...args: string[]): ChildProcess =>
  spawn(...commandLine(name, ...args), { stdio: ['ignore', 'pipe', 'pipe'], env: environment() })

/** A raw night of a small field with a source that flares up, its catalogue, and the list of the source. */
export function simulateField(folder: string): void {
  mkdirSync(folder, { recursive: true })
  const ini = `[random]
seed = 5
[detector]
width = 128
height = 128
overscan = 0
[bias]
count = 3
[dark]
count = 0
[flat]
count = 3
saturated = 0
[filters]
names = g, r
zero point = 24.4, 24.4
sky = 21.5, 20.9
colour = 0, 0
fringes = 0, 0
[telescope]
trailed frames = 0
[field.grb]
frames = 3
stars = 40
dither = 2
exposure = 30
[events]
satellites = 0
variables = 0
movers = 0
transients = 1
transient magnitude = 16
[files]
wcs = exact
`
  writeFileSync(join(folder, 'sim.ini'), ini)
  must('simulate', 'imaging', '-c', join(folder, 'sim.ini'), '-r', join(folder, 'raw'), '--quiet')
  const [head, ...rows] = parseCsv(readFileSync(join(folder, 'raw/truth/stars.csv'), 'utf8'), 'stars.csv')
  const at = (name: string) => head!.cells.indexOf(name)
  const flare = rows.find(({ cells }) => cells[at('kind')] === 'transient')!.cells
  writeFileSync(join(folder, 'target.csv'), `name,ra_deg,dec_deg\nGRB,${flare[at('ra_deg')]},${flare[at('dec_deg')]}\n`)
  must('catalogue', 'import', '-s', join(folder, 'raw/truth/catalogue.fits'), '-r', join(folder, 'sky'), '--quiet')
}

/** A pipeline whose magnitudes are those of a circle of so many widths. */
export function writePipeline(folder: string, field: string, radius: number): string {
  mkdirSync(folder, { recursive: true })
  const stages = ['reduction', 'alignment', 'stacking', 'photometry'].map((name) => `${name} = yes\n`).join('')
  writeFileSync(
    join(folder, 'pipeline.cfg'),
    `[Workspace]\nheaders = OBJECT,INSTRUME,FILTER\n[Structure of pipeline]\n${stages}`,
  )
  writeFileSync(join(folder, 'reduction.cfg'), '[Calibration]\ndark = none\n[Cosmic rays]\nmethod = none\n')
  const photometry = `[Zero point]\ncatalogue = ${join(field, 'sky')}\n[Targets]\nlist = ${join(field, 'target.csv')}\n[Aperture]\nradius = ${radius}\n[PSF]\nfit = no\n[Limit]\ninjected = 0\napertures = 50\n`
  writeFileSync(join(folder, 'photometry.cfg'), photometry)
  return folder
}

export interface Served {
  url: string
  stop(): Promise<void>
}

/** The real store, in a process of its own. */
export async function serve(folder: string): Promise<Served> {
  const child = start('product-store', 'serve', '-r', folder, '--port', '0', '--set', `keys.gp1=${KEY}`)
  let errors = ''
  child.stderr!.on('data', (piece) => (errors += piece))
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout!.once('data', (piece) => resolve(String(piece).trim()))
    child.once('close', (code) => reject(new Error(`ended with ${code}: ${errors}`)))
  })
  return {
    url,
    async stop() {
      child.kill('SIGTERM')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
    },
  }
}

/** The first processing of the field, in the store. */
export function publishFirst(field: string, url: string, observation = '1'): void {
  const [work, products] = [join(field, 'first'), join(field, `products-${observation}`)]
  must(
    'pipeline',
    '-c',
    writePipeline(join(field, 'cfg1'), field, 1.5),
    '-s',
    join(field, 'raw'),
    '-r',
    work,
    '--quiet',
  )
  const about = ['--set', `observation.burst=${BURST}`, '--set', `observation.observation id=${observation}`]
  must(
    'product-build',
    'fill',
    '-s',
    join(work, 'grb'),
    '-r',
    products,
    '--t0',
    '2024-03-12T00:32:40',
    '--quiet',
    ...about,
  )
  must('product-publish', '-s', products, '-r', join(field, `outbox-${observation}`), '--to', url, '--quiet')
}

/** Columns of all products of a store. */
export async function inStore(url: string, columns: string): Promise<unknown[][]> {
  const answer = await askStore(`${url}/search/result/products?a=${columns}`)
  return ((await answer.json()) as { rows: unknown[][] }).rows
}

/** What a person approves, with its bytes. */
export function reportOf(output: string): Map<string, string> {
  const files = readdirSync(output, { withFileTypes: true, recursive: true }).filter(
    (one) => one.isFile() && /\.(fits|png|html)$|^differences\.|^reprocess\.json$/.test(one.name),
  )
  const paths = files.map((one) => join(one.parentPath ?? one.path, one.name))
  const mine = paths.filter((path) => !/^(work|before)\//.test(relative(output, path))).sort()
  return new Map(mine.map((path) => [relative(output, path), readFileSync(path, 'base64')]))
}

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeFits } from '@nightpipe/fits'
import { type Descriptor, parseDescriptor, productHdus } from '@nightpipe/products'
import { commandLine, freePort } from '@nightpipe/testing'

export const KEY = '0123456789abcdef0123'
const shipped = fileURLToPath(new URL('../../../../../configs/products/', import.meta.url))

export const descriptorOf = (card: string): Descriptor =>
  parseDescriptor(readFileSync(join(shipped, `${card}.tsv`), 'utf8'), card, (name) =>
    readFileSync(join(shipped, name), 'utf8'),
  ).descriptor

/** A product of a burst; `mag` makes other contents. */
export function makeProduct(
  path: string,
  burst: string,
  mag: number,
  cards: Record<string, string | number> = {},
): string {
  const content = {
    cards: { BURST_ID: burst, GFT_OBID: '1', CREATOR: 'test', ...cards },
    rows: { LC_GFT_FGFT: [{ MAG: mag, FILTER: 'r' }] },
  }
  writeFits(path, productHdus(descriptorOf('LC_GFT_FGFT'), content))
  return path
}

export interface Served {
  url: string
  child: ChildProcess
  kill(signal: NodeJS.Signals): Promise<void>
}

/** The service in a process of its own. */
export async function serve(folder: string, ...args: string[]): Promise<Served> {
  const child = spawn(
    ...commandLine('product-store', 'serve', '-r', folder, '--port', '0', '--set', `keys.gp1=${KEY}`, ...args),
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let errors = ''
  child.stderr!.on('data', (piece) => (errors += piece))
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout!.once('data', (piece) => resolve(String(piece).trim()))
    child.once('close', (code) => reject(new Error(`ended with ${code}: ${errors}`)))
  })
  return {
    ...{ url, child },
    async kill(signal) {
      child.kill(signal)
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
    },
  }
}

export interface Sent {
  status: number
  json: Record<string, unknown>
}

/** Sends a file; undefined when the service was gone. */
export async function send(
  url: string,
  path: string,
  { field = 'product', name = 'p.fits', key = KEY, route = '/import/v0/a_product' } = {},
): Promise<Sent | undefined> {
  const form = new FormData()
  form.set(field, new Blob([readFileSync(path)]), name)
  try {
    const answer = await fetch(url + route, {
      method: 'POST',
      body: form,
      headers: key ? { authorization: `Bearer ${key}` } : {},
    })
    return { status: answer.status, json: (await answer.json()) as Record<string, unknown> }
  } catch {
    return undefined
  }
}

export const getJson = async (url: string) => (await (await fetch(url)).json()) as Record<string, unknown>

/** Where Debian keeps the newest PostgreSQL; undefined where there is none. */
function postgresBin(): string | undefined {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : []
  return versions.map((version) => join(root, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')))
}

export const noPostgres = postgresBin() ? false : 'PostgreSQL is not installed'

/** A PostgreSQL server of our own, on a free port of this machine. It refuses to run as root: it then runs as nobody. */
export async function startPostgres(folder: string): Promise<{ url: string; stop(): void }> {
  const bin = postgresBin()!
  mkdirSync(folder, { recursive: true })
  const root = process.getuid?.() === 0
  // Folders of the temporary kind are closed to others; the server is one.
  if (root) chmodSync(join(folder, '..'), 0o755)
  if (root) chownSync(folder, 65534, 65534)
  const run = (program: string, args: string[]) =>
    root
      ? execFileSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', join(bin, program), ...args], {
          stdio: 'ignore',
        })
      : execFileSync(join(bin, program), args, { stdio: 'ignore' })
  const data = join(folder, 'data')
  const port = await freePort()
  run('initdb', ['-D', data, '-A', 'trust', '-U', 'np', '--no-sync'])
  run('pg_ctl', [
    '-D',
    data,
    '-w',
    '-l',
    join(folder, 'log'),
    '-o',
    `-p ${port} -c listen_addresses=127.0.0.1 -k ""`,
    'start',
  ])
  return {
    url: `postgres://np@127.0.0.1:${port}/postgres`,
    stop: () => run('pg_ctl', ['-D', data, '-m', 'immediate', 'stop']),
  }
}

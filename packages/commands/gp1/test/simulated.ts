import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../../../../', import.meta.url))

/** The environment of a person's shell, with the commands on its PATH. */
export function shellEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, NODE_EXTRA_CA_CERTS: __, ...env } = process.env
  return { ...env, PATH: `${join(root, 'node_modules/.bin')}:${env.PATH}` }
}

export const command = (name: string, ...args: string[]) => {
  const bin = join(root, 'packages/commands', name, 'bin', `${name}.js`)
  return spawnSync(process.execPath, [bin, ...args], { encoding: 'utf8', env: shellEnvironment() })
}

/** A raw night of one field in one filter, r: three biases, three flats, some frames; `more` of its field and events. */
export function simulate(folder: string, side: number, frames: number, more = 'stars = 60\n[events]'): void {
  const ini = `[random]
seed = 3
[detector]
width = ${side}
height = ${side}
overscan = 0
[bias]
count = 3
[dark]
count = 0
[flat]
count = 3
saturated = 0
[filters]
names = r
zero point = 24.4
sky = 20.9
colour = 0
fringes = 0
[telescope]
trailed frames = 0
[field.m67]
frames = ${frames}
dither = 4
${more}
satellites = 0
`
  mkdirSync(dirname(folder), { recursive: true })
  writeFileSync(`${folder}.ini`, ini)
  const done = command('simulate', 'imaging', '--config', `${folder}.ini`, '--output', folder, '--quiet')
  if (done.status !== 0) throw new Error(done.stderr)
}

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { call, shellEnvironment } from '@nightpipe/testing'

export const command = (name: string, ...args: string[]) => call(name, args, { env: shellEnvironment() })

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

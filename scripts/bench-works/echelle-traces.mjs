// Traces: two raw flats of a 4096x4096 spectrograph of 67 orders and 3 fibres, found without a prior and refined.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const folderOf = (data) => join(data, 'echelle-traces')
const rawOf = (data) => {
  const folder = folderOf(data)
  if (!existsSync(join(folder, 'simulate.csv'))) return []
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => /w00\.fits$/.test(name) && !name.startsWith('truth'))
    .sort()
    .map((name) => join(folder, name))
}

const sets = (...all) => all.flatMap((one) => ['--set', one])
const PROFILE = sets('instrument.profile=nres')
const first = (data) => join(data, 'echelle-first')

/** One flat for each pair of fibres, and the traces to start from. */
export function prepare({ root, data, bin, run }) {
  if (!existsSync(join(folderOf(data), 'simulate.csv'))) {
    const config = join(root, 'configs/simulate/echelle-nres.ini')
    const few = sets(
      'bias.count=0',
      'dark.count=0',
      'arc.count=0',
      'star.frames=0',
      'flat.count=1',
      'files.truth=tables',
    )
    run([bin('simulate'), 'echelle', '-c', config, '-r', folderOf(data), '--quiet', ...few])
  }
  if (!existsSync(first(data))) run([bin('trace0'), '-s', ...rawOf(data), '-r', first(data), '--quiet', ...PROFILE])
}

export function works({ data, bin }) {
  const raw = rawOf(data)
  const start = existsSync(first(data)) ? readdirSync(first(data)).find((name) => name.endsWith('.fits')) : undefined
  const out = (name) => join(data, 'out', name)
  return [
    {
      id: 'echelle-trace0',
      title: 'two flats of 4096x4096: 67 orders of 3 fibres found',
      ours: {
        argv: [bin('trace0'), '-s', ...raw, '-r', out('trace0'), '--quiet', ...PROFILE],
        output: [out('trace0')],
      },
      peers: [],
    },
    {
      id: 'echelle-trace-refine',
      title: 'the same flats: traces and profiles fitted',
      ours: {
        argv: [
          ...[bin('trace-refine'), '-s', ...raw, '-r', out('trace-refine'), '--quiet', ...PROFILE],
          ...['--traces', join(first(data), String(start))],
        ],
        output: [out('trace-refine')],
      },
      peers: [],
    },
  ]
}

// The same night with other workers, in another order, from another folder: not one byte may differ; and every product
// must come out again from what it remembers.
import { createHash } from 'node:crypto'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { attempt, line } from './verdict.mjs'
import { productsIn } from './workshop.mjs'

const GROUP = 'Same bytes: products that differ from those of an undisturbed run'

const night = {
  ...{ 'filters.names': 'g, r', 'bias.count': 5, 'dark.count': 3, 'flat.count': 4, 'field.frames': 3 },
  ...{ 'dark.exposures': 60, 'flat.saturated': 1, 'detector.amplifiers': 2 },
}

export function sameBytes(shop, { size }) {
  return attempt(GROUP, 'a night of two filters', () => {
    const made = shop.simulate('same', size, night)
    const sumsOf = (folders) =>
      folders.flatMap((folder) =>
        productsIn(folder).map((name) => [
          name,
          createHash('sha256')
            .update(readFileSync(join(folder, name)))
            .digest('hex'),
        ]),
      )
    const run = (name, raw, workers, order) => {
      const frames = made.frames.map((frame) => join(raw, `${frame.name}.fits`))
      const input = (order === 'reverse' ? frames.toReversed() : frames).join('\n')
      const [masters, reduced] = [shop.path(name, 'masters'), shop.path(name, 'reduced')]
      const more = ['--quiet', '--workers', String(workers)]
      shop.run('stack-calibrations', ['-s', '-', '-r', masters, ...more], { input })
      const bank = ['--set', `calibration.folder=${masters}`]
      shop.run('reduction', ['-s', '-', '-r', reduced, ...bank, ...more], { input })
      return [masters, reduced]
    }
    const first = run('same-a', made.folder, 1)
    const expected = sumsOf(first)
    const copy = shop.path('elsewhere/deeper')
    cpSync(made.folder, copy, { recursive: true })
    const others = [
      ['two workers', run('same-b', made.folder, 2)],
      ['the frames in reverse order', run('same-c', made.folder, 2, 'reverse')],
      ['a copy of the night in another folder', run('same-d', copy, 1)],
    ]
    const differing = (folders) => {
      const now = new Map(sumsOf(folders))
      return expected.filter(([name, sum]) => now.get(name) !== sum).length + Math.abs(now.size - expected.length)
    }
    return [
      ...others.map(([what, folders]) =>
        line(GROUP, what, differing(folders), { limit: { most: 0 }, note: `of ${expected.length}` }),
      ),
      reproduced(shop, first, expected.length),
    ]
  })
}

function reproduced(shop, folders, total) {
  const args = ['reproduce', ...folders, '--json', '--from', shop.path('same')]
  const { stdout } = shop.run('nightpipe', args, { expected: [0, 3, 4] })
  const same = stdout.split('\n').filter((text) => text && JSON.parse(text).state === 'same').length
  return line(GROUP, 'remade by nightpipe reproduce', total - same, { limit: { most: 0 }, note: `of ${total}` })
}

import { createHash } from 'node:crypto'
import { copyFileSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { openFits, readPixels, writeFits } from '@nightpipe/fits'
import { call, REPOSITORY } from '@nightpipe/testing'
import t from 'tap'

const run = (name: string, ...args: string[]) => call(name, args)

/** Everything in a tree that is a product, by its digest. */
function products(tree: string): Map<string, string> {
  const files = readdirSync(tree, { withFileTypes: true, recursive: true }).filter(
    (one) => one.isFile() && /\.fits(\.fz)?$/.test(one.name),
  )
  const paths = files.map((one) => join(one.parentPath ?? one.path, one.name)).sort()
  const mine = paths.filter((path) => !relative(tree, path).startsWith('temp/'))
  return new Map(
    mine.map((path) => [relative(tree, path), createHash('sha256').update(readFileSync(path)).digest('hex')]),
  )
}

const changed = (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>) =>
  [...new Set([...one.keys(), ...other.keys()])].filter((path) => one.get(path) !== other.get(path)).sort()

t.test(
  'a stretch of nights again: nothing, unless something has changed; then what depends on it, and no more',
  (t) => {
    const data = t.testdir({})
    const tree = join(data, 'sml/nres91/reduced')
    const about = ['night.nights=2', 'bias.count=3', 'dark.count=3', 'flat.count=1', 'arc.count=0', 'star.frames=0']
    const small = join(REPOSITORY, 'configs/simulate/echelle-small.ini')
    const made = run(
      'simulate',
      'echelle',
      '-c',
      small,
      '-r',
      data,
      '--quiet',
      ...about.flatMap((one) => ['--set', one]),
    )
    t.equal(made.status, 0, made.stderr)
    const place = ['--root', data, '--site', 'sml', '--nres-instrument', 'nres91', '--camera', 'fs91']
    const setup = run('site-setup', ...place)
    t.match(setup.stderr, /step 8 of 11, arcs: there are no/, 'as far as it can go')
    const again = () => {
      const { status, stderr } = run('night', 'echelle', ...place, '--start', '2024-03-12', '--end', '2024-03-15')
      const [, worked, kept] = /(\d+) exposures worked on, (\d+) up to date/.exec(stderr) ?? []
      return { status, stderr, worked: Number(worked), kept: Number(kept) }
    }
    t.match(again(), { status: 0, worked: 0 }, 'what the set-up has done is not done again')
    const before = products(tree)
    const idle = again()
    t.match(idle, { status: 0, worked: 0 })
    t.notMatch(idle.stderr, /\$ /, 'no command is run')
    t.same(changed(before, products(tree)), [])

    // A flat of the second night with another pixel.
    const raw = join(data, 'sml/nres91/20240313/raw')
    const flat = join(raw, readdirSync(raw).find((name) => name.endsWith('-w00.fits'))!)
    copyFileSync(flat, join(data, 'kept'))
    harm(flat)
    const other = again()
    t.equal(other.status, 0, other.stderr)
    const after = products(tree)
    t.ok(
      changed(before, after).some((path) => path.startsWith('flat/')),
      'its master flat is another',
    )
    t.ok(
      changed(before, after).every((path) => !/2024072|20240312/.test(path)),
      'the other night stays',
    )
    t.ok(
      changed(before, after).every((path) => !/^(bias|dark)\//.test(path)),
      'so do biases and darks',
    )
    t.ok(
      changed(before, after).some((path) => path.startsWith('trace/')),
      'its traces are fitted anew',
    )
    t.match(again(), { worked: 0 })
    copyFileSync(join(data, 'kept'), flat)
    t.equal(again().worked, other.worked)
    t.same(changed(before, products(tree)), [], 'the flat as it was gives every byte as it was')
    t.end()
  },
)

/** One pixel of a raw frame brighter by three. */
function harm(path: string): void {
  const file = openFits(path)
  const hdu = file.hdus.find(({ kind }) => kind === 'image')!
  const pixels = Uint16Array.from(readPixels(hdu))
  pixels[2000] = pixels[2000]! + 3
  const { header, axes } = hdu
  file.close()
  writeFits(path, [{ kind: 'image', header, bitpix: 16, unsigned: true, axes: [...axes], pixels }])
}

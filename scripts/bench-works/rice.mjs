// Rice compression as whole processes: a bundle of ours, as commands are bundled, against fpack and funpack.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const library = (root) => join(root, 'packages/libs/fits/dist/src/index.js')

/** Reads an image as it is stored and writes it again, compressed or not. */
const copies = (root, compress) => `
import { imageHdu, imageOf, openFits, writeFits } from ${JSON.stringify(library(root))}
const [input, output] = process.argv.slice(2)
writeFits(output, [{ ...imageOf(imageHdu(openFits(input)))${compress} }])
`
const QUANTISED = ", compress: { type: 'RICE_1', quantize: { level: 4, dither: 'SUBTRACTIVE_DITHER_1', seed: 17 } }"

/** A frame of sky noise, a gradient and stars, the same at every run. */
async function makeFrames(root, folder, size) {
  const { writeFits } = await import(pathToFileURL(library(root)).href)
  let state = 20100416
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return (state >>> 0) / 2 ** 32
  }
  const sky = Float32Array.from({ length: size * size }, (_, i) => {
    const noise = 12 * (uniform() + uniform() + uniform() + uniform() - 2)
    return 1000 + (i % size) / 50 + noise + (i % 9973 < 3 ? 5000 * uniform() : 0)
  })
  const axes = [size, size]
  writeFits(join(folder, 'int16.fits'), [{ kind: 'image', bitpix: 16, axes, pixels: Int16Array.from(sky) }])
  writeFits(join(folder, 'float32.fits'), [{ kind: 'image', bitpix: -32, axes, pixels: sky }])
}

async function bundle(folder, name, source) {
  const entry = join(folder, `${name}.entry.mjs`)
  writeFileSync(entry, source)
  const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" }
  const outfile = join(folder, `${name}.mjs`)
  await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'esm', minify: true, banner })
}

export async function prepare({ root, data, size, run }) {
  const folder = join(data, 'rice')
  mkdirSync(folder, { recursive: true })
  await bundle(folder, 'pack', copies(root, QUANTISED))
  await bundle(folder, 'unpack', copies(root, ''))
  if (!existsSync(join(folder, 'float32.fits'))) await makeFrames(root, folder, size)
  for (const type of ['int16', 'float32']) {
    const packed = join(folder, `${type}.fits.fz`)
    if (!existsSync(packed)) run([process.execPath, join(folder, 'pack.mjs'), join(folder, `${type}.fits`), packed])
  }
}

const FPACK = [
  { type: 'int16', level: [], targets: { pack: '1.2', unpack: '1.0' } },
  { type: 'float32', level: ['-q17', '4'], targets: { pack: '1.0', unpack: '1.0' } },
]

export function works({ data }) {
  const folder = join(data, 'rice')
  return FPACK.flatMap(({ type, level, targets }) => {
    const [plain, packed] = [`${type}.fits`, `${type}.fits.fz`].map((name) => join(folder, name))
    const into = (name) => ({
      folder: join(data, 'out', `rice-${name}`),
      path: join(data, 'out', `rice-${name}`, 'out'),
    })
    const work = (name, title, ours, input, theirs) => {
      const [a, b] = [into('ours'), into('theirs')]
      return {
        id: `rice-${name}-${type}`,
        title: `${title} ${type}`,
        ours: { argv: [process.execPath, join(folder, ours), input, `${a.path}.fits`], output: [a.folder] },
        peers: [{ ...theirs(`${b.path}.fits`), output: [b.folder] }],
      }
    }
    return [
      work('pack', 'Rice compress', 'pack.mjs', plain, (out) => ({
        ...{ name: 'fpack', needs: ['fpack'], argv: ['fpack', '-r', ...level, '-O', out, plain], target: targets.pack },
      })),
      work('unpack', 'Rice decompress', 'unpack.mjs', packed, (out) => ({
        ...{ name: 'funpack', needs: ['funpack'], argv: ['funpack', '-O', out, packed], target: targets.unpack },
      })),
    ]
  })
}

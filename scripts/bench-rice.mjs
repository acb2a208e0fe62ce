#!/usr/bin/env node
// Rice compression as whole processes: a bundle of ours, as commands are bundled, against fpack and funpack in turn.
// Every run reads its file and writes its product. Usage: node scripts/bench-rice.mjs [--size 4096] [--runs 5]
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const fits = join(root, 'packages/libs/fits/dist/src/index.js')
const { values: options } = parseArgs({
  options: { size: { type: 'string', default: '4096' }, runs: { type: 'string', default: '5' } },
})
const size = Number(options.size)
const runs = Number(options.runs)
const folder = mkdtempSync(join(tmpdir(), 'bench-rice-'))
const environment = { ...process.env }
delete environment.NODE_EXTRA_CA_CERTS // extra certificates make Node start slower: not ours to measure

const UNPACK = `
import { imageHdu, openFits, readIntegers, readPixels, writeFits } from ${JSON.stringify(fits)}
const [input, output] = process.argv.slice(2)
const file = openFits(input)
const hdu = imageHdu(file)
const { axes, bitpix, header } = hdu
const pixels = bitpix === 16
  ? readIntegers(hdu, { into: new Int16Array(axes[0] * axes[1]) })
  : readPixels(hdu)
writeFits(output, [{ kind: 'image', bitpix, axes, header, pixels }])
`
const PACK = `
import { imageHdu, openFits, readIntegers, readPixels, writeFits } from ${JSON.stringify(fits)}
const [input, output] = process.argv.slice(2)
const file = openFits(input)
const hdu = imageHdu(file)
const { axes, bitpix, header } = hdu
const pixels = bitpix === 16
  ? readIntegers(hdu, { into: new Int16Array(axes[0] * axes[1]) })
  : readPixels(hdu)
const quantize = { level: 4, dither: 'SUBTRACTIVE_DITHER_1', seed: 17 }
writeFits(output, [{ kind: 'image', bitpix, axes, header, pixels, compress: { type: 'RICE_1', quantize } }])
`

/** A frame of sky noise, a gradient and stars, the same at every run. */
async function makeFrames() {
  const { writeFits } = await import(pathToFileURL(fits).href)
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

async function bundle(name, source) {
  const entry = join(folder, `${name}.entry.mjs`)
  const outfile = join(folder, `${name}.mjs`)
  writeFileSync(entry, source)
  const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" }
  await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'esm', minify: true, banner })
  return outfile
}

function time([program, ...args], output) {
  rmSync(output, { force: true })
  const began = performance.now()
  const done = spawnSync('/usr/bin/time', ['-q', '-f', '@@ %U %S %M', program, ...args], {
    env: environment,
    encoding: 'utf8',
  })
  const wall = (performance.now() - began) / 1000
  const figures = /@@ (\S+) (\S+) (\d+)/.exec(done.stderr)
  if (done.status !== 0 || !figures) throw new Error(`${program} ${args.join(' ')}: ${done.stderr}`)
  return { wall, cpu: Number(figures[1]) + Number(figures[2]), megabytes: Number(figures[3]) / 1024 }
}

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1]

function compare(work, ours, theirs, output, target) {
  const all = { ours: [], theirs: [] }
  for (let run = 0; run < runs; run++) {
    all.ours.push(time(ours, output))
    all.theirs.push(time(theirs, output))
  }
  const figure = (key, who) => median(all[who].map((run) => run[key]))
  const ratios = ['wall', 'cpu'].map((key) => (figure(key, 'ours') / figure(key, 'theirs')).toFixed(2)).join(' / ')
  const cells = ['wall', 'cpu', 'megabytes'].map((key) =>
    ['ours', 'theirs'].map((who) => figure(key, who).toFixed(key === 'megabytes' ? 0 : 3)).join(' / '),
  )
  console.log(`| ${work} | ${cells.join(' | ')} | ${ratios} | ${target} |`)
}

if (spawnSync('sh', ['-c', 'command -v fpack && command -v funpack']).status !== 0) {
  console.error('bench-rice: fpack and funpack are not installed (Debian: libcfitsio-bin): skipped')
  process.exit(0)
}
try {
  await makeFrames()
  const [pack, unpack] = [await bundle('pack', PACK), await bundle('unpack', UNPACK)]
  console.log(`| ${size}x${size}, whole process, ours / theirs | wall s | CPU s | MB | ratio, wall / CPU | target |`)
  console.log('|---|---|---|---|---|---|')
  for (const [type, level, targets] of [
    ['int16', [], ['1.2', '1.0']],
    ['float32', ['-q17', '4'], ['1.0', '1.0']],
  ]) {
    const [plain, packed, out] = [`${type}.fits`, `${type}.fits.fz`, 'out.fits'].map((name) => join(folder, name))
    const theirs = ['fpack', '-r', ...level, '-O', packed, plain]
    compare(`Rice compress ${type}`, [process.execPath, pack, plain, packed], theirs, packed, targets[0])
    compare(
      `Rice decompress ${type}`,
      [process.execPath, unpack, packed, out],
      ['funpack', '-O', out, packed],
      out,
      targets[1],
    )
    const sizes = [plain, packed].map((path) => (statSync(path).size / 2 ** 20).toFixed(1))
    console.error(`${type}: ${sizes.join(' MB to ')} MB; ${readFileSync(out).length} bytes back`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

// Where scripts/accuracy works: nights made, calibrated and reduced by the executables as processes, and their files read.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { column, numberOf, openFits, readFrame, readIntegers, readTable, textOf } from '@nightpipe/fits'

/** `--set section.key=value` for each. */
export const setting = (settings) => Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])

export function openWorkshop({ root, folder, seed, log }) {
  mkdirSync(folder, { recursive: true })
  const env = { ...process.env, NODE_OPTIONS: '' }
  delete env.NODE_EXTRA_CA_CERTS

  /** Runs a command of the toolkit; a status that is not expected is an error with its last words. */
  function run(command, args, { cwd = folder, input, expected = [0] } = {}) {
    const bin = join(root, 'packages/commands', command, 'bin', `${command}.js`)
    const options = { cwd, env, input, encoding: 'utf8', maxBuffer: 1 << 28 }
    const done = spawnSync(process.execPath, [bin, ...args], options)
    if (!expected.includes(done.status)) {
      const words = `${done.stdout}${done.stderr}`.trim().split('\n').slice(-5).join('\n  ')
      throw new Error(`${command} ${args.join(' ')} ended with ${done.status}:\n  ${words}`)
    }
    return done
  }

  return {
    ...{ root, folder, seed, log, run },
    path: (...names) => join(folder, ...names),

    /** A night of its own, in a folder called `name`. */
    simulate(name, size, settings, more = 0) {
      log(`simulating ${name}`)
      const shape = { 'detector.width': size, 'detector.height': size, 'random.seed': seed + more }
      const night = join(folder, name)
      run('simulate', ['imaging', '-r', night, '--quiet', ...setting({ ...shape, ...settings })])
      return nightIn(night)
    },
    /** Masters of a night; returns their folder. */
    stack(night, settings = {}, output = `${night.folder}-masters`) {
      run('stack-calibrations', ['-s', night.folder, '-r', output, '--quiet', ...setting(settings)])
      return output
    },
    /** Its science frames, reduced; returns their folder. */
    reduce(night, settings = {}, output = `${night.folder}-reduced`, frames = night.objects) {
      const args = ['-s', '-', '-r', output, '--quiet', ...setting(settings)]
      run('reduction', args, { input: frames.map(({ path }) => path).join('\n') })
      return output
    },
  }
}

/** A simulated night and its truth, read from its tables. */
function nightIn(folder) {
  const frames = rowsOf(join(folder, 'truth/frames.csv')).map((row) => ({
    ...{ name: row.frame, type: row.type, filter: row.filter, seconds: Number(row.exposure_s) },
    ...{ background: Number(row.background_e), fwhm: Number(row.fwhm_px) },
    path: join(folder, `${row.frame}.fits`),
  }))
  const truth = (name) => join(folder, 'truth', name)
  const { camera } = JSON.parse(readFileSync(truth('parameters.json'), 'utf8'))
  return {
    ...{ folder, frames, camera, amplifiers: camera.amplifiers },
    objects: frames.filter(({ type }) => type === 'object'),
    bias: () => readFrame(truth('bias.fits')),
    dark: () => readFrame(truth('dark.fits')),
    flat: (filter) => readFrame(truth(`flat_${filter}.fits`)),
    light: (frame) => readFrame(truth(`light/${frame.name}.fits`)),
    mask: (frame) => inFile(truth(`frames/${frame.name}.fits`), (file) => readIntegers(hduOf(file, 'MASK'))),
    cosmics: (frame) =>
      inFile(truth(`frames/${frame.name}.fits`), (file) => {
        const table = readTable(hduOf(file, 'COSMICS'))
        const [event, x, y, charge] = ['EVENT', 'X', 'Y', 'CHARGE'].map((name) => column(table, name).values)
        return Array.from(event, (number, k) => ({ event: number, x: x[k], y: y[k], charge: charge[k] }))
      }),
    stars: (frame) => rowsOf(truth(`stars/${frame.name}.csv`)).map((row) => ({ ...row, flux: Number(row.flux_e) })),
  }
}

const hduOf = (file, name) => file.hdus.find((hdu) => hdu.name === name)

function inFile(path, use) {
  const file = openFits(path)
  try {
    return use(file)
  } finally {
    file.close()
  }
}

/** A CSV without quotes. */
export function rowsOf(path) {
  const [head, ...lines] = readFileSync(path, 'utf8').trim().split('\n')
  const names = head.split(',')
  return lines.map((line) => Object.fromEntries(line.split(',').map((cell, k) => [names[k], cell])))
}

/** All products of a folder, by name. */
export const productsIn = (folder) =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.fits'))
        .sort()
    : []

/** What each pixel of the image is read by: the number of its amplifier. */
export function amplifierMap({ camera, amplifiers }) {
  const map = new Uint8Array(camera.width * camera.height)
  for (const [k, { place }] of amplifiers.entries()) {
    for (let y = place.y0; y < place.y1; y++) map.fill(k, y * camera.width + place.x0, y * camera.width + place.x1)
  }
  return map
}

export { numberOf, readFrame, textOf }

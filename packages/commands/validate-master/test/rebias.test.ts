import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { numberOf, readFrame } from '@nightpipe/fits'
import { call } from '@nightpipe/testing'
import t from 'tap'
import { writeMaster } from './masters.js'

const run = (...args: string[]) => call('validate-master', [...args, '--quiet'])
const day = (n: number) => ({
  ...{ level: 1000 + n / 10, scatter: 1, seed: n },
  ...{ date: `2026-01-0${n}T00:00:00`, id: String(n) },
})

/** A bank in which the biases of five days have been in force, one after the other. */
function bankOfFive(folder: string): { bank: string; masters: string[] } {
  const bank = join(folder, 'bank')
  const masters = [1, 2, 3, 4, 5].map((n) => writeMaster(join(folder, String(n), 'bias_C1.fits'), day(n)))
  for (const path of masters) call('validate-master', ['-s', path, '-r', bank, '--bootstrap', '--quiet'])
  return { bank, masters }
}

t.test('--rebias puts the mean of the latest masters in force, and again does nothing', async (t) => {
  const { bank, masters } = bankOfFive(t.testdir())
  t.equal(run('-r', bank, '--rebias', '3').status, 0)
  const inForce = readFrame(join(bank, 'bias_C1.fits'))
  const members = masters.slice(2).map((path) => readFrame(path))
  for (const p of [0, 77, inForce.pixels.length - 1]) {
    const [a, b, c] = members.map(({ pixels }) => pixels[p]!)
    t.ok(Math.abs(inForce.pixels[p]! - (a! + b! + c!) / 3) < 1e-4, 'the plain mean')
    t.ok(Math.abs(inForce.error![p]! - 1 / Math.sqrt(3)) < 1e-6, 'as exact as three of them')
  }
  t.equal(numberOf(inForce.header, 'NMASTERS'), 3)
  t.equal(numberOf(inForce.header, 'NFRAMES'), 15)
  t.equal(readdirSync(join(bank, 'old')).length, 5, 'the one before is a generation')

  const bytes = readFileSync(join(bank, 'bias_C1.fits'))
  const rows = readFileSync(join(bank, 'validations.csv'), 'utf8')
  t.equal(run('-r', bank, '--rebias', '3').status, 0)
  t.ok(bytes.equals(readFileSync(join(bank, 'bias_C1.fits'))), 'a mean is no member of the next one')
  t.equal(readFileSync(join(bank, 'validations.csv'), 'utf8'), rows)
  t.match(readFileSync(join(bank, 'validate-master.csv'), 'utf8'), /in force already: the mean of 3 masters/)

  t.equal(run('-r', bank, '--rebias', '5').status, 0)
  t.equal(numberOf(readFrame(join(bank, 'bias_C1.fits')).header, 'NFRAMES'), 25, 'every frame once')
})

t.test('--rebias averages masters that are given, and refuses one alone', async (t) => {
  const folder = t.testdir()
  const masters = [1, 2].map((n) => writeMaster(join(folder, String(n), 'bias_C1.fits'), day(n)))
  const bank = join(folder, 'new')
  const alone = run('-s', masters[0]!, '-r', bank, '--rebias', '10')
  t.equal(alone.status, 2)
  t.match(alone.stderr, /no two biases of a kind/)
  t.equal(run('-s', ...masters, '-r', bank, '--rebias', '10').status, 4, 'the first needs --bootstrap')
  t.notOk(existsSync(join(bank, 'bias_C1.fits')))
  const made = run('-s', ...masters, '-r', bank, '--rebias', '10', '--bootstrap')
  t.equal(made.stdout, `${join(bank, 'bias_C1.fits')}\n`)
  t.equal(numberOf(readFrame(join(bank, 'bias_C1.fits')).header, 'NMASTERS'), 2)
})

t.test('means, maps of differences and chains can be remade', async (t) => {
  const { bank, masters } = bankOfFive(t.testdir())
  const records = join(bank, 'validation')
  const before = call('nightpipe', ['reproduce', join(records, 'bias_C1_dispersion.fits')])
  t.match(before.stdout, /the same, byte for byte/, 'against the master that was in force then')
  t.equal(run('-r', bank, '--rebias', '4').status, 0)
  t.equal(run('-s', ...masters, '-r', bank, '--chain').status, 0)
  const products = readdirSync(records).filter((name) => name.endsWith('.fits'))
  t.equal(products.length, 4, 'two maps, the mean, the chain')
  const said = call('nightpipe', [
    'reproduce',
    join(bank, 'bias_C1.fits'),
    ...products.map((name) => join(records, name)),
  ])
  t.equal(said.status, 0, said.stdout)
})

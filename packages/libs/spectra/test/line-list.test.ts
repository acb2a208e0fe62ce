import t from 'tap'
import { airToVacuum, parseLineList } from '../src/index.js'

t.test('nanometres with intensities and errors (the lists of NRES)', async (t) => {
  const text =
    'Selected Redman 2013 ThAr lines.\n lambda(nm)    Bright  dlambda(nm)\n 380.4154600  24000.  0.0000030\n 380.5063860   1700.  0.0000060\n'
  const { wavelength, intensity, error } = parseLineList(text)
  t.ok(Math.abs(wavelength[0] - 3804.1546) < 1e-9)
  t.same([...intensity], [24000, 1700])
  t.ok(Math.abs(error[1] - 6e-5) < 1e-12)
})

t.test('numbered Angstrom, in air when one says so (the atlas of ESO)', async (t) => {
  const text = '        1 2768.842 \n        2 2795.531\n'
  t.same([...parseLineList(text).wavelength], [2768.842, 2795.531])
  t.equal(parseLineList(text, { air: true, formula: 'edlen66' }).wavelength[0], airToVacuum(2768.842, 'edlen66'))
})

t.test('one column with a unit (IRAF), several between bars (NIST), and commas (ours)', async (t) => {
  t.same([...parseLineList('#\tunits Angstroms\n3184.9486\n3188.2339 \n').wavelength], [3184.9486, 3188.2339])
  const bars =
    '# Creation Date: 2018-Jan-09\n|    ion |       wave | NIST | Instr | amplitude |      Source |\n|  Th II |  3000.1470 |    1 |     0 |       200 |        NIST |\n'
  t.same([...parseLineList(bars).wavelength, ...parseLineList(bars).intensity], [3000.147, 200])
  const ours = '# vacuum\nwavelength_angstrom,intensity,error_angstrom\n5002.1,10,0.001\n5001.5,,\n'
  const { wavelength, intensity, error } = parseLineList(ours)
  t.same([...wavelength, intensity[1], ...error], [5001.5, 5002.1, 10, 0, 0.001])
})

t.test('a text without wavelengths is refused', async (t) => {
  t.throws(() => parseLineList('nothing here\n'), { message: 'no column of wavelengths' })
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  differencesFigure,
  drawEvolution,
  formatCalibrationJson,
  groupOf,
  historyPath,
  mjdOf,
  parseCalibrationJson,
  readCalibrationJson,
  readHistory,
  record,
  rowOfRecord,
} from '../src/index.js'

/** As an observatory writes it: a blank in the date, plain numbers, the third difference with two F. */
const DEPLOYED = `[{"IM_NAME": "bias_C1.fits", "TYPE": "BIAS", "DATE": "2024-03-05 21:10:11", "INSTRUME": "C1", "FILTER": "",
  "MEAN": 301.5, "MEDIAN": 301.25, "RMS": "2.4", "MEANDIFF": -0.1, "MEDIANDIFF": -0.05, "RMSDIFF": 0.3, "VALID": "True"}]`

/** As the plan describes it: every number an object; one of them without a value. */
const number = (name: string, value: number | null, errorcode = 0) =>
  `"${name}": {"name": "${name}", "value": ${value}, "type": "float", "unit": "", "errorcode": ${errorcode}}`
const PLAN = `{"IM_NAME": "flat_C1_r.fits", "TYPE": "flat", "DATE": "2024-03-06T06:00:00", "ORIGIN": "OAN", "TELESCOP": "COLIBRI",
  "INSTRUME": "C1", "FILTER": "r", ${number('MEAN', 1.001)}, ${number('MEDIAN', 1)}, ${number('RMS', 0.01)},
  ${number('MEANDIFF', 7, 1)}, ${number('MEDIANDIF', null, 1)}, ${number('RMSDIFF', null, 1)},
  "VALID": {"name": "VALID", "value": null, "type": "boolean", "unit": "", "errorcode": 1}}`

t.test('both descriptions of the calibration file are read, whatever their spelling', async (t) => {
  const [bias] = parseCalibrationJson(DEPLOYED)
  t.match(bias, { TYPE: 'bias', DATE: '2024-03-05T21:10:11', RMS: 2.4, MEDIANDIF: -0.05, VALID: true })
  const [flat] = parseCalibrationJson(PLAN)
  t.match(flat, { TYPE: 'flat', FILTER: 'r', TELESCOP: 'COLIBRI', MEAN: 1.001, VALID: null })
  t.equal(flat?.MEANDIFF, null, 'a value with an error code is none')
})

t.test('what is written in one description and read back is the same record', async (t) => {
  const records = [...parseCalibrationJson(DEPLOYED), ...parseCalibrationJson(PLAN)]
  t.same(parseCalibrationJson(formatCalibrationJson(records, 'plan')), records)
  const bare = records.map((one) => ({ ...one, ORIGIN: undefined, TELESCOP: undefined }))
  t.same(parseCalibrationJson(formatCalibrationJson(records, 'deployed')), bare, 'the deployed one knows no origin')
  const [deployed] = JSON.parse(formatCalibrationJson(records, 'deployed'))
  t.equal(deployed.DATE, '2024-03-05 21:10:11')
  t.ok('MEDIANDIFF' in deployed && !('MEDIANDIF' in deployed))
  const [planned] = JSON.parse(formatCalibrationJson(records, 'plan'))
  t.same(planned.MEAN, { name: 'MEAN', value: 301.5, type: 'float', unit: 'adu', errorcode: 0 })
})

t.test('one bad entry does not lose the others, and is named with its reason', async (t) => {
  const good = DEPLOYED.slice(1, -1)
  const bad = [
    ['"TYPE": "BIAS"', '"TYPE": "arc"', /TYPE 'arc'/],
    ['2024-03-05 21:10:11', 'yesterday', /DATE 'yesterday'/],
    ['"INSTRUME": "C1"', '"INSTRUME": " "', /no INSTRUME/],
    ['301.5', '"many"', /MEAN 'many'/],
    ['"True"', '"perhaps"', /VALID 'perhaps'/],
  ] as const
  for (const [from, to, reason] of bad) {
    const { records, faults } = readCalibrationJson(`[${good.replace(from, to)}, 7, ${good}]`)
    t.equal(records.length, 1)
    t.match(faults[0]?.reason, reason)
    t.match(faults[1], { entry: 2, reason: 'is not an object' })
  }
  t.throws(() => readCalibrationJson('[{'), SyntaxError)
})

t.test('a history keeps each validation once, groups flats by filter, and draws each group', async (t) => {
  const bank = t.testdir()
  const rows = [...parseCalibrationJson(DEPLOYED), ...parseCalibrationJson(PLAN)].map(rowOfRecord)
  await record(bank, rows)
  await record(bank, rows)
  const kept = readHistory(bank)
  t.equal(readFileSync(historyPath(bank), 'utf8').trim().split('\n').length, 3, 'a header and two rows')
  t.same(kept.map(groupOf), ['bias_C1', 'flat_C1_r'])
  t.equal(mjdOf(kept[1]!), 60375.25)
  const figures = await drawEvolution(bank, join(bank, 'plots'), rows)
  t.same(
    figures.map((path) => path.slice(bank.length + 1)),
    ['bias_C1', 'flat_C1_r'].flatMap((group) =>
      ['', '_differences'].map((end) => `plots/evolution_${group}${end}.png`),
    ),
  )
  for (const path of figures) t.equal(readFileSync(path).subarray(1, 4).toString(), 'PNG')
  const refused = differencesFigure('bias C1', [{ ...rows[0]!, valid: false }])
  t.match(refused.svg, /refused/)
})

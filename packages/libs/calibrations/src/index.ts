export { type Choice, chooseMaster, type Wanted } from './choose.js'
export { describeMaster } from './describe.js'
export { masterName, safeName } from './names.js'
export { CALIBRATIONS_FILE, type CalibrationRow, calibrationsTable } from './table.js'

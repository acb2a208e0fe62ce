export {
  type CalibrationFile,
  type CalibrationRecord,
  formatCalibrationJson,
  parseCalibrationJson,
  readCalibrationJson,
} from './calibration-json.js'
export {
  differencesFigure,
  drawEvolution,
  groupOf,
  historyPath,
  levelsFigure,
  mjdOf,
  readHistory,
  record,
  rowOfRecord,
  type ValidationRow,
  validationsTable,
} from './history.js'

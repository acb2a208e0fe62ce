export { ARC_LINES, UNNAMED_LINES } from './arc-lines.js'
export { ccdOf, chooseSpectrograph, readSpectrographs } from './choose-spectrograph.js'
export {
  type Candidate,
  chooseFrom,
  chooseStandard,
  type StandardChoice,
  type WantedStandard,
} from './choose-standard.js'
export {
  type CircumstanceOptions,
  type Circumstances,
  meterOf,
  readCircumstances,
  type StarPlace,
} from './circumstances.js'
export { fibreFlag, fibresOfFlags, lightOf, litFibres, starFibres } from './fibres.js'
export { parseHandTrace } from './hand-trace.js'
export { type MadeZero, type MakeZeroOptions, makeZero } from './make-zero.js'
export {
  describeOrderFrame,
  type OrderFrame,
  type OrderFrameFacts,
  readOrderFrame,
  requireOneSize,
} from './order-frame.js'
export { type OrderImage, orderErrors, orderImageHdus, orderOf, readOrderImage, toOrderImage } from './order-image.js'
export {
  dateRange,
  dayOfRaw,
  firstTraceName,
  formatProductDate,
  MASTER_OFFSET_DAYS,
  PRODUCT_KINDS,
  type ProductKind,
  type ProductName,
  parseProductDate,
  parseProductName,
  productName,
  productPathInTree,
  rawName,
} from './product-names.js'
export { correlationWindow, type RadvFile, type RadvStar, radvCards, radvHdus, readRadv } from './radv-file.js'
export { readSpectra, SPECTRUM, type SpectrumFile, spectraHdus } from './spectrum-file.js'
export {
  addStandard,
  addStandards,
  dropStandards,
  markStandards,
  type NewStandard,
  readStandards,
  STANDARD_TYPES,
  type StandardType,
  standardPath,
  standardRow,
  standardType,
} from './standards.js'
export { readStarExposure, type StarExposure, type StarOptions } from './star-exposure.js'
export { type SaidOfFibres, starName } from './star-name.js'
export {
  type CcdRow,
  ccdsTable,
  isPlaceholder,
  type RvRow,
  rvTable,
  type SpectrographRow,
  type StandardRow,
  spectrographsTable,
  standardsTable,
  type TargetRow,
  TREE_TABLES,
  targetsTable,
  type ZeroRow,
  zerosTable,
} from './state-tables.js'
export { isSunlight, matchTarget, readTargets, type TargetMatch, targetAt, type WantedTarget } from './targets.js'
export { type TraceOrigin, traceCards } from './trace-cards.js'
export { type Cards, readTraces, type TraceDefaults, tracesHdus } from './trace-file.js'
export {
  inTree,
  makeTree,
  openTree,
  requireTree,
  TREE_FOLDERS,
  type Tree,
  type TreeFlags,
  type TreeFolder,
  treeFlags,
  treeFolder,
  treeOf,
} from './tree.js'
export { readVelocities, replaceVelocities } from './velocities.js'
export {
  type ArcPart,
  meanArcParts,
  ofMembers,
  readWaveArcs,
  sameArc,
  WAVE_ARCS,
  waveArcsHdus,
  zeroErrorAgainst,
  zeroErrorOf,
} from './wave-arcs.js'
export {
  type ArcFile,
  type ArcModel,
  middleOfArc,
  readArc,
  SOLUTIONS,
  solutionHdus,
  tharHdus,
  tripCards,
  tripHdus,
} from './wavelength-file.js'
export { type NewZeroFile, readZero, type ZeroFile, type ZeroStar, zeroHdus } from './zero-file.js'
export {
  addZero,
  chooseZero,
  chooseZeroOf,
  isApproved,
  isWithdrawn,
  judgeZeros,
  type NewZero,
  readZeros,
  targetKey,
  type WantedZero,
  type ZeroChoice,
  zeroPath,
} from './zeros.js'

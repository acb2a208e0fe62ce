export { type HandTrace, type HandTraceOptions, tracesFromHand } from './hand-traces.js'
export { type BlockMix, blocksAt, profileRows } from './profile-rows.js'
export { type OrderSpectrum, type Spectra, SpectrumBit } from './spectrum.js'
export {
  emptyTraces,
  type FineProfiles,
  hasTrace,
  setColumnsOnDetector,
  type Traces,
  traceCentres,
  traceY,
} from './traces.js'

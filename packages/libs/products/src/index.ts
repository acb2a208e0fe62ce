export { askStore } from './ask-store.js'
export { cardOf, checkProduct, type Difference } from './check-product.js'
export {
  columnsOf,
  type DataType,
  type Descriptor,
  type Entry,
  type Extension,
  type Fault,
  keywordsOf,
  PRIMARY,
  type Value,
} from './descriptor.js'
export { descriptorJson, readDescriptorJson } from './descriptor-json.js'
export { METADATA_COLUMNS, type Metadata, metadataEntries, metadataJson } from './metadata.js'
export { type ParsedDescriptor, parseDescriptor } from './parse-descriptor.js'
export { type Cells, type Content, NO_INTEGER, productHdus } from './product-hdus.js'
export { contentOf, type FileFacts, KINDS, type Kind, kindOf, withLegacyZeros } from './svom/cards.js'
export {
  type Burst,
  type Candidate,
  candidateName,
  type Observation,
  objectId,
  type Results,
  sinceTrigger,
} from './svom/observation.js'
export { fitPowerLaw, type PowerLaw } from './svom/power-law.js'
export {
  amplitudeRows,
  detectionRows,
  fitRows,
  lightCurveRows,
  metadataRows,
  positionRows,
} from './svom/rows.js'

export { ConfigError } from '@nightpipe/files'
export { commonSchema, withCommon } from './common.js'
export { describeFrame, type FrameFacts, type FrameShape } from './facts.js'
export { fileStemFor, type NameParts } from './file-name.js'
export type { Amplifier } from './frame-amplifiers.js'
export type { Orientation } from './frame-orientation.js'
export { type HeaderCard, headerFor } from './header-for.js'
export { mostSpecific } from './in-force.js'
export {
  checkLinearity,
  LINEARITY_DOC,
  type LinearitySections,
  linearityCard,
  linearityKeys,
  linearityOf,
  linearitySettings,
  linearityTables,
} from './linearity.js'
export { type ConfigInForce, type LoadOptions, loadConfig, profileDigest } from './load.js'
export { nearestName } from './names.js'
export {
  type ConfigOf,
  choice,
  type FreeSection,
  flag,
  freeSection,
  integer,
  type Keys,
  list,
  number,
  numbers,
  type Option,
  path,
  type Schema,
  type Section,
  section,
  text,
  type ValuesOf,
} from './options.js'
export { formatSection, parseSections, type Section as PixelSection } from './pixel-section.js'
export { describeSchema, type SchemaRow, sampleIni } from './print.js'
export { type InstrumentProfile, listProfiles, loadProfile, profileFolder } from './profile.js'
export type { FrameType } from './profile-schema.js'
export type { HeaderLookup, HeaderValue } from './reader.js'
export { profileRecogniser } from './recognise.js'

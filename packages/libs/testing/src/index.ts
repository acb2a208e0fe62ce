export { lacking, lackingPython, PYTHON } from './peers.js'
export { executable, FIXTURES, lackingFixtures, REPOSITORY, scratch } from './places.js'
export { freePort } from './ports.js'
export {
  type Called,
  call,
  commandLine,
  finish,
  type Line,
  node,
  outside,
  type Surroundings,
  shellEnvironment,
} from './programs.js'
export { rowsOf, set } from './texts.js'
export { PATIENCE_MS, until } from './waiting.js'

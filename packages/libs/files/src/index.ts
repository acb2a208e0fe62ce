export { ConfigError, DataError } from './errors.js'

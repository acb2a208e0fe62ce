export { StarFlag, type Stars } from './stars.js'

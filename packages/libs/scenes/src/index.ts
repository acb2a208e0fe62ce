export { type Extra, writeFrame } from './frame-file.js'
export { expose, type Sky, sky, turn } from './painted-sky.js'

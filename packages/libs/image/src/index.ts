export { type Frame, MaskBit } from './frame.js'

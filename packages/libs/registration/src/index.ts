export { type Affine, transform } from './affine.js'

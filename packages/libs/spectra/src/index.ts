export { type OrderSpectrum, type Spectra, SpectrumBit } from './spectrum.js'
export { type Traces, traceY } from './traces.js'

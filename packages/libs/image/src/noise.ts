/**
 * What the variance of a pixel is, in the (squared) unit of the frame: `variance0 + variancePerUnit * level`, plus the
 * square of `relative * level` where something that grows with the light varies from frame to frame.
 */
export interface NoiseModel {
  variance0: number
  variancePerUnit: number
  relative?: number
}

/** The same as a camera's data sheet says it: electrons per unit of the frame, and electrons. */
export interface DetectorNoise {
  gain: number
  readNoise: number
  relative?: number
}

/** Read noise and photon noise as a variance that depends on the level: (readNoise / gain)² + level / gain. */
export function noiseModel(noise: NoiseModel | DetectorNoise): NoiseModel {
  if ('variance0' in noise) return noise
  const { gain, readNoise, relative } = noise
  if (!(gain > 0 && readNoise >= 0)) throw new RangeError(`gain ${gain} and read noise ${readNoise} cannot be`)
  return { variance0: (readNoise / gain) ** 2, variancePerUnit: 1 / gain, relative }
}

/** How a raw value becomes a value: `MS-T:1.0:0.3`. */
export interface CorrectionModel {
  name: string
  version: string
  parameters: number[]
}

/** How many parameters each model has. */
const MODELS: Readonly<Record<string, number>> = {
  'MS-T': 1,
  'ENV-T': 1,
  'ENV-P': 1,
  'MS-H': 4,
  'ENV-H': 4,
  'PT-100': 2,
}

/** Humidities (fractions) below the first are corrected by the low model, above the second by the high one. */
const LOW_HUMIDITY = 0.3
const HIGH_HUMIDITY = 0.4

/** Reads a model; empty: none. A text that is none is told why. */
export function parseModel(text: string): CorrectionModel | undefined | { problem: string } {
  if (text.trim() === '') return undefined
  const [name = '', version = '', ...rest] = text.trim().split(':')
  const count = MODELS[name]
  if (count === undefined) return { problem: `no correction model is called '${name}'` }
  const parameters = rest.map(Number)
  if (rest.length !== count || rest.some((word) => word.trim() === '') || !parameters.every(Number.isFinite))
    return { problem: `correction model '${text}' is not ${name}:version and ${count} numbers` }
  return { name, version, parameters }
}

/** The value of a raw one, in the unit of the record. Humidities come in percent and are fractions. */
export function corrected({ name, parameters }: CorrectionModel, raw: number): number {
  const [a, b = 0, c = 0, d = 0] = parameters as [number, number?, number?, number?]
  if (name === 'PT-100') {
    let value = raw
    for (let pass = 0; pass < 3; pass++) value = raw - (a + b * value)
    return value
  }
  if (!name.endsWith('-H')) return raw - a
  const fraction = raw * 0.01
  const [low, high] = [a + b * fraction, c + d * fraction]
  if (fraction <= LOW_HUMIDITY) return low
  if (fraction >= HIGH_HUMIDITY) return high
  const part = (fraction - LOW_HUMIDITY) / (HIGH_HUMIDITY - LOW_HUMIDITY)
  return low * (1 - part) + high * part
}

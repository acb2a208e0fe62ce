import { FitsError } from './errors.js'
import { type Hdu, storedHdu } from './hdu.js'
import { numberOf, textOf } from './header.js'
import { scaleInto, storedValues } from './pixels.js'
import { scalingOf } from './scaling.js'
import { checkMemory } from './table/part.js'

/** Random groups, as radio interferometers wrote them: parameters and a small array for each group. */
export interface Groups {
  count: number
  /** Physical values, one per group. A name that stands twice (a date in two parts) is meant to be added up. */
  parameters: { name: string; values: Float64Array }[]
  /** Axes of the array of a group, the first varies fastest. */
  axes: number[]
  /** Physical values, group after group. */
  data: Float64Array
}

export function readGroups(hdu: Hdu): Groups {
  const place = { file: hdu.file.name, hdu: hdu.index }
  if (hdu.kind !== 'groups') throw new FitsError(place, `does not hold random groups (${hdu.kind})`)
  const { source, dataStart, dataBytes, header, bitpix } = storedHdu(hdu)
  const axes = hdu.axes.slice(1)
  const parameterCount = numberOf(header, 'PCOUNT') ?? 0
  const count = numberOf(header, 'GCOUNT') ?? 1
  const each = count === 0 ? 0 : dataBytes / count / (Math.abs(bitpix) / 8) - parameterCount
  if (parameterCount > 999)
    throw new FitsError(place, `${parameterCount} parameters in each group`, 'the file is damaged')
  checkMemory(hdu, count, [8 * (parameterCount + each)])
  const scaling = scalingOf(hdu)
  const parameters = Array.from({ length: parameterCount }, (_, k) => ({
    name: textOf(header, `PTYPE${k + 1}`) ?? '',
    values: new Float64Array(count),
    scaling: {
      scale: numberOf(header, `PSCAL${k + 1}`) ?? 1,
      zero: numberOf(header, `PZERO${k + 1}`) ?? 0,
      blank: undefined,
    },
  }))
  const data = new Float64Array(count * each)
  const bytes = new Uint8Array((Math.abs(bitpix) / 8) * (parameterCount + each))
  for (let group = 0; group < count; group++) {
    source.read(dataStart + group * bytes.length, bytes)
    const stored = storedValues(bytes, bitpix)
    parameters.forEach((one, k) => {
      scaleInto(stored.subarray(k, k + 1), one.scaling, one.values, group)
    })
    scaleInto(stored.subarray(parameterCount), scaling, data, group * each)
  }
  return { count, parameters: parameters.map(({ name, values }) => ({ name, values })), axes, data }
}

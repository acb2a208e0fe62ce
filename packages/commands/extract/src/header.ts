import { basename } from 'node:path'
import type { Job, Tools } from '@nightpipe/command'
import { copyHeader, type Header, removeCard, setCard } from '@nightpipe/fits'
import type { Extraction, LineTilt } from '@nightpipe/spectra'
import type { Amplitudes } from './extract-frame.js'
import { amplitudeCard } from './flats.js'
import type { ExtractJob } from './plan.js'
import type { Quality } from './quality.js'
import type { ExtractSchema } from './schema.js'

/** Cards that speak of the pixels of the frame, and hold no longer. */
const OF_THE_FRAME =
  /^(BUNIT|BSCALE|BZERO|BLANK|DATAMIN|DATAMAX|WCSAXES|EXTNAME|EXTVER|INHERIT|C(TYPE|RVAL|RPIX|DELT|UNIT|ROTA)\d|(CD|PC)\d_\d|WCSSEED|ORIENTED|NP_.*)$/

/** The header of the spectra of a frame: its own, with what extraction found. */
export function spectraHeader(
  frame: Header,
  { params }: Job<ExtractJob>,
  extraction: Extraction & { tilt?: LineTilt },
  { signalToNoise, electrons }: Quality,
  amplitudes: Amplitudes,
  { config }: Tools<ExtractSchema>,
): Header {
  const header = copyHeader(frame)
  for (const { keyword } of frame.cards) if (OF_THE_FRAME.test(keyword)) removeCard(header, keyword)
  const orders = 1 + Math.max(-1, ...extraction.orders.map(({ index }) => index))
  setCard(header, 'NX', extraction.width, 'columns')
  setCard(header, 'NORD', orders, 'orders')
  setCard(header, 'NFIB', params.fibres?.length ?? params.lit.length, 'fibers')
  setCard(header, 'FIB0', params.lit[0], 'first fiber with light')
  setCard(header, 'GAIN', 1, '[electron/electron] fluxes are electrons')
  setCard(header, 'EXTRMETH', config.extraction.method, 'how rows were summed')
  setCard(header, 'TRACDY', digits(extraction.shift), '[pixel] what was added to the traces')
  if (extraction.tilt) {
    setCard(header, 'LINETILT', digits(extraction.tilt.slope[0]), '[pixel/pixel] of lines, taken out')
    setCard(header, 'LINECURV', digits(extraction.tilt.curve), '[pixel/pixel2] of lines, taken out')
  }
  setCard(header, 'L1IDTRAC', basename(params.traces), 'traces')
  setCard(header, 'L1IDFLAT', params.flats.length > 0 ? basename(params.flats[0]!) : 'NULL', 'flat')
  setCard(header, 'NFRAVGD', 1, 'frames averaged')
  ;[...electrons].forEach(([fibre, count]) => {
    setCard(header, `NELECTR${fibre}`, Math.round(count), `[electron] extracted from fiber ${fibre}`)
  })
  setCard(header, 'SNR', digits(signalToNoise), 'signal to noise of a column, brightest fiber')
  setCard(header, 'NCOSMIC', extraction.rejected, 'pixels that the profile did not allow')
  for (const { index, fibre, amplitude } of amplitudes) {
    if (index > 99 || fibre > 9) continue // no room in eight letters
    setCard(header, amplitudeCard(fibre, index), digits(amplitude), '[electron] at response 1')
  }
  return header
}

/** Seven digits: what a float32 is good for. */
const digits = (value: number) => Number(value.toPrecision(7))

import { choice, freeSection, integer, list, number, section, text } from './options.js'

export const FRAME_TYPES = ['bias', 'dark', 'flat', 'arc', 'object', 'focus'] as const
export const ORIENTATIONS = ['none', 'rotate-90', 'rotate-180', 'rotate-270', 'flip-x', 'flip-y', 'transpose'] as const
/** What may stand in braces in a pattern of file names. */
export const NAME_PLACES: readonly string[] = ['type', 'date', 'time', 'filter', 'number']

export type FrameType = (typeof FRAME_TYPES)[number] | 'unknown'

const keywordsFor = (what: string) => list([], `where to find ${what}, first usable first`)
/** A fact that may be assumed or overridden; text, because a number may be a product such as `6.2 * SOFTGAIN / 8`. */
const fact = (doc: string, unit?: string) => text('', doc, unit ? { unit } : {})

const facts = {
  type: fact('type of the frame (bias, dark, flat, arc, object, focus)'),
  object: fact('name of the object'),
  exposure: fact('exposure time', 's'),
  filter: fact('filter'),
  gain: fact('gain', 'electrons per ADU'),
  'read noise': fact('read noise', 'electrons'),
  saturation: fact('level from which a pixel is saturated', 'ADU'),
  'pixel scale': fact('pixel scale', 'arcsec per pixel'),
  instrument: fact('instrument'),
  camera: fact('camera'),
  telescope: fact('telescope'),
  site: fact('site'),
  binning: fact('binning, as 2 or 2x1'),
  'read mode': fact('readout mode'),
  'data section': fact('the light-sensitive part of the array, as [x1:x2,y1:y2]'),
  'overscan section': fact('the overscan, as [x1:x2,y1:y2], one or several'),
}

/** Every key of an instrument profile. docs/guide/instruments.md explains it with examples. */
export const profileSchema = {
  profile: {
    name: text('', 'name of the profile; that of its file where empty'),
    about: text('', 'the instrument in a line'),
    parent: text('generic', 'profile whose keys serve where this one is silent; none for no other'),
    recognise: list([], 'headers that it is for, as KEYWORD:value, any of them; * stands for anything'),
  },
  keywords: section(
    'Header keywords for each fact. "A unless B | C" looks at A only where the header has neither B nor C; products such as 206.265 * XPIXSZ / FOCALLEN are numbers too.',
    {
      type: keywordsFor('the type of the frame'),
      object: keywordsFor('the name of the object'),
      exposure: keywordsFor('the exposure time'),
      filter: keywordsFor('the filter'),
      'filter wheels': list([], 'filter wheels in series: all that are not clear, joined by +'),
      gain: keywordsFor('the gain'),
      'read noise': keywordsFor('the read noise'),
      saturation: keywordsFor('the saturation level'),
      'pixel scale': keywordsFor('the pixel scale in arcsec'),
      date: keywordsFor('the date of the exposure, with or without the time'),
      time: keywordsFor('the time of day, for dates without one'),
      mjd: keywordsFor('the Modified Julian Date'),
      jd: keywordsFor('the Julian Date'),
      'time system': keywordsFor('the time scale of the dates'),
      ra: keywordsFor('the right ascension; as many as there are for dec, in the same order'),
      dec: keywordsFor('the declination'),
      instrument: keywordsFor('the instrument'),
      camera: keywordsFor('the camera or detector'),
      telescope: keywordsFor('the telescope'),
      site: keywordsFor('the site'),
      binning: keywordsFor('the binning of both axes in one value'),
      'binning x': keywordsFor('the binning along x'),
      'binning y': keywordsFor('the binning along y'),
      'read mode': keywordsFor('the readout mode'),
      'data section': keywordsFor('the light-sensitive part of the array'),
      'overscan section': list([], 'overscan sections: all that the header has'),
      prescan: keywordsFor('the number of columns before the data, where no section tells'),
      postscan: keywordsFor('the number of columns after the data, where no section tells'),
      fibres: keywordsFor('what each fibre sees, as star&thar&none'),
    },
  ),
  types: section('The words by which headers call each type, in any case; * stands for anything.', {
    bias: list([], 'words for a bias'),
    dark: list([], 'words for a dark'),
    flat: list([], 'words for a flat'),
    arc: list([], 'words for a wavelength calibration'),
    object: list([], 'words for a science frame'),
    focus: list([], 'words for focus, acquisition and pointing frames'),
  }),
  instruments: freeSection('What headers call an instrument, and what we call it.', text('', 'our name')),
  cameras: freeSection('What headers call a camera, and what we call it.', text('', 'our name')),
  filters: freeSection('What headers call a filter, and what we call it; * stands for anything.', text('', 'our name')),
  assume: section('What to take where the header is silent.', facts),
  override: section('What to take whatever the header says.', facts),
  conventions: section('How this camera writes values.', {
    missing: list([], 'texts that mean: no value'),
    clear: list([], 'names of filter positions without a filter'),
    'time zone': number(0, 'local time minus UTC, for dates that do not tell their zone', {
      unit: 'hours',
      min: -14,
      max: 14,
    }),
    'date at': choice('start', ['start', 'middle', 'end'], 'the moment of the exposure that the date tells'),
    'date style': choice('together', ['together', 'apart'], 'date and time in one keyword, or the time in its own'),
    'exposure unit': choice('s', ['s', 'ms', 'us', 'min'], 'unit of the exposure time'),
    'gain unit': choice('e/adu', ['e/adu', 'adu/e'], 'unit of the gain'),
    'read noise unit': choice('e', ['e', 'adu'], 'unit of the read noise'),
    'ra unit': choice('auto', ['auto', 'hours', 'degrees'], 'unit of a right ascension without separators'),
    coordinates: choice('sexagesimal', ['sexagesimal', 'degrees'], 'how simulated headers give positions'),
    'first pixel': number(1, 'number of the first pixel in sections', { min: 0, max: 1 }),
    'stale sections': choice(
      'ignore',
      ['ignore', 'trust'],
      'sections that do not fit the array: ignore them, or trust and clip',
    ),
  }),
  orientation: section('What turns the image to the orientation of the others of this camera.', {
    default: choice('none', ORIENTATIONS, 'turn for every frame'),
    keyword: text('', 'keyword that tells the turn'),
    values: list([], 'its values and their turns, as 0:rotate-180, 180:none'),
    'end keyword': text('', 'keyword with its value at the end of the exposure: a difference makes the frame unfit'),
  }),
  spectrograph: section('What disperses the light; rough numbers suffice. 0 or empty: not known.', {
    orders: integer(0, 'orders on the detector', { min: 0, max: 1000 }),
    fibres: integer(1, 'fibres side by side in each order', { min: 1, max: 10 }),
    'arc fibre': integer(-1, 'number (from 0) of the fibre of the lamp while others see a star; -1: none', { min: -1 }),
    'first order': integer(0, 'diffraction order of the lowest order on the detector', { min: 0 }),
    'order step': integer(1, 'what to add to it for the next one up', { min: -1, max: 1 }),
    dispersion: choice('x', ['x', 'y'], 'axis of the detector along which the wavelength runs'),
    wavelength: choice('rises', ['rises', 'falls'], 'with x within an order'),
    'fibre order': choice('falls', ['rises', 'falls'], 'y of the fibres with their number'),
    'order constant': number(0, 'order number times central wavelength, good to 1 %', { unit: 'Angstrom', min: 0 }),
    'pixel velocity': number(0, 'dispersion in the middle of orders, per pixel, good to 1 %', {
      unit: 'km/s',
      min: 0,
    }),
    width: number(0, 'height of an order of one fibre across the dispersion', { unit: 'px', min: 0 }),
    lines: text('thar', 'list of the lines of the lamp: a name of configs/lines, or a file'),
    air: choice('vacuum', ['vacuum', 'air'], 'wavelengths of the order constant'),
  }),
  'file names': section(
    'What the name of a file tells where the header is silent, and how simulated files are called.',
    {
      patterns: list(
        [],
        'names without .fits, with {type} {date} {time} {filter} {number}; * stands for anything; the first is written',
      ),
      wins: list([], 'facts for which the name is right and the header wrong: type, filter, date'),
    },
  ),
  'file types': section('What stands for {type} in file names.', {
    bias: list([], 'bias'),
    dark: list([], 'dark'),
    flat: list([], 'flat'),
    arc: list([], 'arc'),
    object: list([], 'science frame'),
    focus: list([], 'focus or acquisition frame'),
  }),
  amplifiers: section('Arrays read by several amplifiers; {amp} in a keyword stands for each name.', {
    names: list([], 'names of the amplifiers that may be there'),
    'data section': keywordsFor('the light-sensitive part of one amplifier'),
    'overscan section': keywordsFor('its overscan'),
    gain: keywordsFor('its gain'),
    'read noise': keywordsFor('its read noise'),
  }),
}

import { type ConfigOf, choice, flag, integer, list, number, numbers, path, section, text } from '@nightpipe/config'

/** Every key of the INI of `simulate imaging`, once. Lengths in pixels are of unbinned pixels unless they say otherwise. */
export const schema = {
  random: {
    seed: integer(1, 'another seed is another night', { min: 0 }),
    'field seed': integer(
      undefined,
      'nights with the same number see the same stars, whatever their seed; empty: each its own',
      {
        min: 0,
        optional: true,
      },
    ),
  },
  detector: section('The camera. Lists give a value for each amplifier; the last one serves those that follow.', {
    width: integer(1024, 'columns that see light', { unit: 'px', min: 8, max: 65536 }),
    height: integer(1024, 'rows that see light', { unit: 'px', min: 8, max: 65536 }),
    binning: integer(1, 'pixels summed before readout, along each axis', { min: 1, max: 16 }),
    amplifiers: integer(1, '1, 2 or 3 side by side, 4 in the corners', { min: 1, max: 4 }),
    prescan: integer(0, 'columns read before the data, for each amplifier', { unit: 'binned px', min: 0, max: 1024 }),
    overscan: integer(32, 'columns read after the data, for each amplifier', { unit: 'binned px', min: 0, max: 1024 }),
    gain: numbers([1.6], 'gain', { unit: 'e/adu', min: 1e-6 }),
    'read noise': numbers([4.5], 'read noise', { unit: 'e', min: 0 }),
    'bias level': numbers([1000], 'bias level', { unit: 'adu', min: 0 }),
    'bias drift': number(3, 'how far the bias level wanders in a night', { unit: 'adu', min: 0 }),
    'row drift': number(0.8, 'how far it wanders within a frame', { unit: 'adu', min: 0 }),
    'bias structure': number(1.5, 'columns, waves and the ramp of the bias', { unit: 'adu', min: 0 }),
    bits: integer(16, 'of the converter', { min: 8, max: 16 }),
    'full well': number(95000, 'electrons that a pixel holds before it bleeds', { unit: 'e', min: 1 }),
    'non-linearity': number(0.01, 'part of the signal that is missing at full well', { min: 0, max: 0.4 }),
    dark: number(0.02, 'dark current', { unit: 'e/s', min: 0 }),
    glow: number(0.3, 'amplifier glow in the corner', { unit: 'e/s', min: 0 }),
    'glow size': number(60, 'distance at which the glow falls to 1/e', { unit: 'px', min: 1 }),
    'hot pixels': number(3e-4, 'part of the pixels with a high dark current', { min: 0, max: 0.5 }),
    'hot rate': numbers([0.5, 300], 'lowest and highest dark current of hot pixels', { unit: 'e/s', min: 0 }),
    'dead pixels': number(1e-4, 'part of the pixels that hardly see light', { min: 0, max: 0.5 }),
    'bad columns': integer(3, 'columns that lose light from some row on', { min: 0 }),
    'pixel response': number(0.008, 'standard deviation of the response from pixel to pixel', { min: 0, max: 0.3 }),
    readout: number(12, 'readout time', { unit: 's', min: 0 }),
    'pixel size': number(13.5, 'side of a pixel', { unit: 'um', min: 0.1 }),
  }),
  telescope: {
    telescope: text('SIM-1M', 'its name'),
    instrument: text('SIMCAM', 'name of the instrument'),
    site: text('Nowhere', 'name of the observatory'),
    'pixel scale': number(0.5, 'of unbinned pixels', { unit: 'arcsec/px', min: 1e-3 }),
    rotation: number(1.2, 'from north to the y axis, by east', { unit: 'deg' }),
    mirrored: flag(false, 'east to the right instead of the left'),
    vignetting: number(0.15, 'light lost in the corners', { min: 0, max: 0.95 }),
    dust: integer(12, 'dust rings in the flats', { min: 0 }),
    'dust depth': number(0.05, 'light lost in the darkest ring', { min: 0, max: 0.9 }),
    distortion: number(0, 'shift of stars in the corners by the optics: cubic, with a tilt; as SIP in the truth', {
      unit: 'px',
    }),
    'pointing error': number(3, 'of the position in the header', { unit: 'arcsec', min: 0 }),
    'scale error': number(0, 'of the pixel scale in the header, at most, as part of it', { min: 0, max: 0.5 }),
    'rotation error': number(0, 'of the rotation in the header, at most', { unit: 'deg', min: 0, max: 180 }),
    drift: number(15, 'how far the field drifts', { unit: 'arcsec/h', min: 0 }),
    'trailed frames': integer(1, 'science frames with bad tracking', { min: 0 }),
    'trail length': number(4, 'of their stars', { unit: 'arcsec', min: 0 }),
  },
  filters: section('Lists give a value for each filter; the last one serves those that follow.', {
    names: list(['g', 'r'], 'the filters'),
    'zero point': numbers([24.6, 24.4], 'magnitude of one electron per second', { unit: 'mag' }),
    sky: numbers([21.6, 20.9], 'brightness of the sky', { unit: 'mag/arcsec2' }),
    colour: numbers([0.6, 0], 'magnitudes that a star gains for each magnitude of its colour', { unit: 'mag/mag' }),
    fringes: numbers([0, 0], 'fringes, as part of the sky', { min: 0, max: 1 }),
  }),
  sky: {
    seeing: number(1.6, 'full width at half maximum of stars', { unit: 'arcsec', min: 0.05 }),
    'seeing scatter': number(0.12, 'its variation in the night, as part of it', { min: 0, max: 1 }),
    beta: number(3.2, 'exponent of the Moffat profile', { min: 1.6, max: 20 }),
    ellipticity: number(0.04, '1 - minor axis / major axis', { min: 0, max: 0.8 }),
    'corner ellipticity': number(0.06, 'what the optics add in the corners', { min: 0, max: 0.5 }),
    'corner width': number(0.08, 'how much wider stars are in the corners, as part', { min: 0, max: 2 }),
    gradient: number(0.03, 'of the sky, from the middle to an edge, as part of it', { min: 0, max: 0.9 }),
    clouds: number(0.4, 'extinction by thick clouds', { unit: 'mag', min: 0 }),
    'cloud time': number(20, 'how fast clouds come and go', { unit: 'min', min: 0.1 }),
  },
  night: {
    start: text('2024-03-12T00:30:00', 'UTC of the first frame'),
    pause: number(4, 'between frames, beside the readout', { unit: 's', min: 0 }),
  },
  bias: { count: integer(10, 'bias frames', { min: 0 }) },
  dark: {
    count: integer(5, 'dark frames of each exposure time', { min: 0 }),
    exposures: numbers([60, 180], 'exposure times', { unit: 's', min: 0 }),
  },
  flat: {
    count: integer(6, 'twilight flats in each filter', { min: 0 }),
    level: number(24000, 'their level above the bias', { unit: 'adu', min: 0 }),
    scatter: number(0.3, 'how far levels lie apart, as part', { min: 0, max: 0.9 }),
    exposures: numbers([2, 3, 5, 8, 12, 20], 'exposure times, in turn', { unit: 's', min: 1e-3 }),
    saturated: integer(1, 'further flats in each filter that are saturated', { min: 0 }),
    gradient: number(0.002, 'of the twilight, from the middle to an edge', { min: 0, max: 0.9 }),
    stars: flag(true, 'the field of stars is in the flats too'),
  },
  field: section('A field of the sky; [field.NAME] for each one when there are several.', fieldKeys(), {
    pattern: true,
  }),
  events: {
    variables: integer(1, 'variable stars in each field', { min: 0 }),
    period: number(1.3, 'their period', { unit: 'h', min: 0.01 }),
    amplitude: number(0.5, 'their amplitude, brightest to faintest', { unit: 'mag', min: 0 }),
    transients: integer(1, 'sources that flare up and fade, in each field', { min: 0 }),
    'transient magnitude': number(15, 'ten minutes after the flare', { unit: 'mag' }),
    'fading index': number(1.2, 'flux falls with time to minus this power'),
    'transient start': number(0.2, 'when it flares, as part of the time on sky', { min: 0, max: 1 }),
    movers: integer(1, 'moving objects in each field', { min: 0 }),
    'mover magnitude': number(16, 'their magnitude', { unit: 'mag' }),
    'mover rate': number(60, 'their motion', { unit: 'arcsec/h', min: 0 }),
    satellites: integer(1, 'science frames that a satellite crosses', { min: 0 }),
    'satellite light': number(3000, 'electrons for each pixel of its trail', { unit: 'e/px', min: 0 }),
  },
  'cosmic rays': {
    rate: number(2, 'events', { unit: '/cm2/min', min: 0 }),
    muons: number(0.45, 'part of them that are straight tracks', { min: 0, max: 1 }),
    worms: number(0.35, 'part of them that are crooked tracks; the rest are points', { min: 0, max: 1 }),
    thickness: number(20, 'of the silicon', { unit: 'um', min: 1 }),
  },
  noise: {
    photon: flag(true, 'photon noise'),
    digitise: flag(true, 'whole numbers within the range of the converter'),
    noiseless: flag(
      false,
      'raw = level + bias + (dark + flat S) t / gain exactly, in floating point: no noise, rounding, saturation, cosmic rays or non-linearity, and even flats',
    ),
  },
  'reference catalogue': section('truth/catalogue.fits: the stars as a survey would list them, for catalogue import.', {
    epoch: number(2016, 'Julian year of its positions', { unit: 'yr', min: 1900, max: 2100 }),
    'proper motion': number(0, 'standard deviation of the motions of stars, along each axis', {
      unit: 'mas/yr',
      min: 0,
    }),
    'position error': number(0, 'of its positions, along each axis', { unit: 'mas', min: 0 }),
    'motion error': number(0, 'of its proper motions', { unit: 'mas/yr', min: 0 }),
    'magnitude error': number(0, 'of its magnitudes', { unit: 'mag', min: 0 }),
    faintest: number(99, 'fainter stars are not in it', { unit: 'mag' }),
    missing: number(0, 'part of the stars that it lacks', { min: 0, max: 1 }),
  }),
  files: {
    name: text('', 'pattern of {type} {filter} {date} {time} {number} {field}; empty: as the instrument profile says'),
    gzip: flag(false, 'raw frames compressed as whole files (.fits.gz)'),
    wcs: choice('none', ['none', 'approximate', 'exact'], 'a plate solution in the raw headers'),
    calibrated: flag(
      false,
      'truth/calibrated: science frames as a reduction without error would leave them, in electrons, with ERR and MASK',
    ),
    light: flag(false, 'truth/light: the noiseless light of each science frame, in electrons per second'),
  },
}

function fieldKeys() {
  return {
    ra: number(210.802, 'centre, right ascension', { unit: 'deg', min: 0, max: 360 }),
    dec: number(54.349, 'centre, declination', { unit: 'deg', min: -90, max: 90 }),
    frames: integer(5, 'dithered frames in each filter', { min: 0 }),
    exposure: numbers([60], 'exposure time in each filter', { unit: 's', min: 0 }),
    dither: number(20, 'size of the dither', { unit: 'arcsec', min: 0 }),
    stars: integer(400, 'stars in a frame', { min: 0 }),
    brightest: number(11, 'magnitude of the brightest star, in the filter without colour', { unit: 'mag' }),
    faintest: number(20.5, 'magnitude of the faintest stars', { unit: 'mag' }),
    cluster: number(0, 'part of the stars that stand in a cluster in the middle', { min: 0, max: 1 }),
    'cluster radius': number(60, 'that holds half of the cluster', { unit: 'arcsec', min: 0.1 }),
    rotation: number(undefined, 'from north to the y axis; that of the telescope when empty', {
      unit: 'deg',
      optional: true,
    }),
    catalogue: path(
      '',
      'real stars besides: a FITS or CSV table with RA, DEC and magnitudes, or a folder of `catalogue import`',
    ),
    bands: list(
      [],
      'of the catalogue: the magnitude of stars in the filter without colour, or two whose difference is the colour; its first when empty',
    ),
    slope: number(0.28, 'of the logarithm of star counts with magnitude', { min: 0.01, max: 2 }),
  }
}

export type Settings = ConfigOf<typeof schema>

/** The value for the k-th filter or amplifier: the last one of a short list serves the rest. */
export const nth = (values: readonly number[], k: number): number => values[Math.min(k, values.length - 1)] ?? 0

import { type ConfigOf, choice, flag, integer, list, number, numbers, path, section, text } from '@nightpipe/config'

const px = { unit: 'px' } as const
const count = (what: string, value = 0) => integer(value, what, { min: 0 })

/** Every key of the INI of `simulate echelle`, once. Pixels count from 0; "along" is along the dispersion. */
export const schema = {
  random: { seed: integer(1, 'another seed is another night', { min: 0 }) },
  site: section('Where the spectrograph stands, and what files and headers call it.', {
    site: text('sim', 'code of the site'),
    instrument: text('nres09', 'spectrograph: TELESCOP, and the folder of its tree'),
    camera: text('fa99', 'camera: INSTRUME'),
    longitude: number(-70.8047, 'to the east', { unit: 'deg', min: -360, max: 360 }),
    latitude: number(-30.1673, 'to the north', { unit: 'deg', min: -90, max: 90 }),
    height: number(2198, 'above the sea', { unit: 'm' }),
  }),
  optics: section(
    'Echelle and prism: the wavelength of every pixel (docs/guide/echelle-simulation.md has the equations).',
    {
      orders: integer(12, 'orders', { min: 1, max: 500 }),
      'first order': integer(100, 'diffraction order of index 0', { min: 1 }),
      'order step': integer(1, 'what to add to it for the next index', { min: -1, max: 1 }),
      'groove spacing': number(31.6456, 'of the echelle', { unit: 'um', min: 0.1 }),
      incidence: number(63.435, 'angle of incidence, and of the blaze', { unit: 'deg', min: 1, max: 89 }),
      'focal length': number(187.5, 'of the camera', { unit: 'mm', min: 1 }),
      rotation: number(0, 'of the detector', { unit: 'deg' }),
      glass: choice('PBM2', ['PBM2', 'BK7', 'SiO2'], 'glass of the prism'),
      apex: number(55, 'of the prism', { unit: 'deg', min: 1, max: 89 }),
      'central wavelength': number(0.54, 'through the middle of the prism', { unit: 'um', min: 0.2, max: 3 }),
      'cross offset': number(0, 'where the beam leaves in the plane of dispersion', { unit: 'mm' }),
      air: number(0.0002, 'refractivity of the air in the spectrograph', { min: 0, max: 0.001 }),
      residual: numbers([], 'what the model misses: up to 15 Legendre terms, as the tables of NRES', { unit: 'nm' }),
      displacement: numbers([], 'of the fibre before the arc fibre along the dispersion: up to 10 terms', px),
      dispersion: choice('x', ['x', 'y'], 'axis of the detector along which the wavelength runs'),
      wavelength: choice('rises', ['rises', 'falls'], 'with the pixel along this axis'),
      'blaze width': number(1, 'of the blaze function, in free spectral ranges', { min: 0.1 }),
      'blaze floor': number(0.02, 'light that the blaze function leaves everywhere, as part of its peak', { min: 0 }),
    },
  ),
  fibres: {
    count: integer(3, 'fibres', { min: 1, max: 9 }),
    arc: integer(1, 'number (from 0) of the fibre of the lamp', { min: 0 }),
    separation: numbers([10], 'of neighbours across the dispersion: Legendre terms in the order', px),
    direction: choice('falls', ['rises', 'falls'], 'pixel across the dispersion with the number of the fibre'),
    throughput: numbers([1], 'of each fibre, relative; the last one serves the rest', { min: 0 }),
  },
  trace: section(
    'Where the orders of the arc fibre lie across the dispersion: Legendre terms in the order (-1 to 1), for each Legendre term along it.',
    {
      centre: numbers([256, 215, 20], 'the middle', px),
      slope: numbers([-3], 'term 1 along the dispersion', px),
      bow: numbers([9, 1], 'term 2', px),
      third: numbers([-0.6], 'term 3', px),
      fourth: numbers([0.1], 'term 4', px),
    },
  ),
  profile: section('Light across the dispersion.', {
    sigma: number(1.25, 'of its core', { unit: 'px', min: 0.2 }),
    change: number(0.08, 'how the core changes over the detector, as part', { min: 0, max: 0.8 }),
    skew: number(0.06, 'difference of its two sides, as part', { min: -0.8, max: 0.8 }),
    wings: number(0.06, 'part of the light in Moffat wings', { min: 0, max: 1 }),
    beta: number(3, 'exponent of the wings', { min: 1.2, max: 20 }),
    reach: number(4.9, 'from the centre to where it ends', { unit: 'px', min: 1 }),
    ripple: number(0.02, 'seeded change of core and skew from place to place', { min: 0, max: 0.5 }),
  }),
  line: section('The image of a sharp line.', {
    fwhm: number(3.6, 'along the dispersion', { unit: 'px', min: 0.5 }),
    gradient: number(0.3, 'how much wider at the far end than at the near one', { unit: 'px' }),
    wings: number(0.1, 'part of its light that is spread wider', { min: 0, max: 0.9 }),
    asymmetry: number(0, 'shift of that part, in widths; the centroid stays', { min: -2, max: 2 }),
    tilt: number(0, 'shift along the dispersion for each pixel across it', { unit: 'px/px', min: -2, max: 2 }),
    curvature: number(0, 'the same with the square', { unit: 'px/px2', min: -0.2, max: 0.2 }),
  }),
  efficiency: section('Of telescope, optics and detector together, at some wavelengths.', {
    wavelengths: numbers([3800, 4500, 5500, 6500, 7500, 8500, 9000], 'vacuum', { unit: 'Angstrom' }),
    values: numbers([0.25, 0.65, 1, 1, 0.85, 0.55, 0.4], 'relative', { min: 0 }),
  }),
  flat: {
    count: count('for each pair of fibres', 3),
    seconds: number(30, 'exposure time', { unit: 's', min: 0 }),
    peak: number(60000, 'electrons for each pixel along the brightest order', { unit: 'e/px', min: 0 }),
    temperature: number(2900, 'of the filament', { unit: 'K', min: 500 }),
    pairs: list(['0+1', '1+2'], 'fibres lit together; all for all of them'),
    variation: number(0.02, 'of the lamp from frame to frame, as part', { min: 0, max: 0.9 }),
  },
  arc: {
    count: count('for each pair of fibres', 2),
    seconds: number(60, 'exposure time', { unit: 's', min: 0 }),
    lines: text('thar-full', 'list of lines: a name of configs/lines, or a file of that form'),
    level: number(12000, 'electrons in a line of intensity 1000, in such a frame', { unit: 'e', min: 0 }),
    contrast: number(1, 'power of the intensity with which lines shine', { min: 0.1, max: 2 }),
    scatter: number(0.25, 'of lines around that (natural logarithm)', { min: 0, max: 3 }),
    argon: number(1, 'argon lines against thorium lines', { min: 0 }),
    continuum: number(2, 'of the lamp', { unit: 'e/px', min: 0 }),
    simultaneous: number(0.7, 'its light beside a star, against an arc frame', { min: 0 }),
    pairs: list(['0+1', '1+2'], 'fibres lit together; all for all of them'),
  },
  bias: { count: count('bias frames', 5) },
  dark: { count: count('dark frames', 3), seconds: number(300, 'exposure time', { unit: 's', min: 0 }) },
  star: section('A target; [star.NAME] for each one when there are several.', starKeys(), { pattern: true }),
  sky: {
    clouds: number(0.3, 'extinction by thick clouds', { unit: 'mag', min: 0 }),
    'cloud time': number(10, 'how fast clouds come and go', { unit: 'min', min: 0.1 }),
    tellurics: number(0, 'depth of the bands of oxygen and water, 1 as in dry nights', { min: 0, max: 10 }),
  },
  'exposure meter': {
    interval: number(5, 'of its samples', { unit: 's', min: 0.1 }),
    rate: number(4000, 'counts of a star of 10000 electrons per pixel, in an exposure', { unit: '/exposure', min: 0 }),
    background: number(3, 'counts in a sample without light', { min: 0 }),
  },
  drift: section('Of the image on the detector.', {
    along: number(0.05, 'how far it wanders along the dispersion in a night', px),
    across: number(0.05, 'the same across it', px),
    stretch: number(0.004, 'change of the scale, at the ends', px),
    hours: number(1.5, 'in which it wanders so far', { unit: 'h', min: 0.01 }),
    differential: number(0, 'of neighbouring fibres against each other, at random in each frame', px),
    nights: number(0.3, 'how far the image of a night lies from that of another, along and across', px),
  }),
  'scattered light': {
    part: number(0.02, 'of all light, spread over the detector', { min: 0, max: 0.9 }),
    size: number(0.12, 'how far it spreads, as part of the detector', { min: 0.01, max: 2 }),
    near: number(0.5, 'part of it that spreads a quarter as far', { min: 0, max: 1 }),
  },
  detector: {
    width: integer(512, 'columns that see light', { unit: 'px', min: 32, max: 16384 }),
    height: integer(512, 'rows that see light', { unit: 'px', min: 32, max: 16384 }),
    'pixel size': number(15, 'side of a pixel', { unit: 'um', min: 0.1 }),
    overscan: integer(32, 'columns read after the data', { unit: 'px', min: 0, max: 1024 }),
    unused: integer(6, 'columns between data and overscan that belong to neither', { unit: 'px', min: 0, max: 256 }),
    gain: number(1, 'gain', { unit: 'e/adu', min: 1e-6 }),
    'read noise': number(5, 'read noise', { unit: 'e', min: 0 }),
    'bias level': number(1000, 'bias level', { unit: 'adu', min: 0 }),
    'bias drift': number(3, 'how far the level wanders in a night', { unit: 'adu', min: 0 }),
    'row drift': number(0.5, 'how far it wanders within a frame', { unit: 'adu', min: 0 }),
    'bias structure': number(1, 'columns and waves of the bias', { unit: 'adu', min: 0 }),
    'full well': number(120000, 'electrons that a pixel holds before it bleeds', { unit: 'e', min: 1 }),
    saturation: number(47500, 'level that the header calls saturated', { unit: 'adu', min: 1 }),
    dark: number(0.002, 'dark current', { unit: 'e/s', min: 0 }),
    'hot pixels': number(2e-4, 'part of the pixels with a high dark current', { min: 0, max: 0.5 }),
    'hot rate': numbers([0.1, 30], 'lowest and highest dark current of hot pixels', { unit: 'e/s', min: 0 }),
    'dead pixels': number(5e-5, 'part of the pixels that hardly see light', { min: 0, max: 0.5 }),
    'bad columns': count('columns that lose light from some row on', 2),
    'pixel response': number(0.006, 'standard deviation of the response from pixel to pixel', { min: 0, max: 0.3 }),
    readout: number(57, 'between exposures', { unit: 's', min: 0 }),
  },
  'cosmic rays': {
    rate: number(1.5, 'events', { unit: '/cm2/min', min: 0 }),
    muons: number(0.45, 'part of them that are straight tracks', { min: 0, max: 1 }),
    worms: number(0.35, 'part of them that are crooked tracks; the rest are points', { min: 0, max: 1 }),
    thickness: number(20, 'of the silicon', { unit: 'um', min: 1 }),
  },
  noise: { noise: flag(true, 'of photons and of the readout') },
  night: {
    start: text('2024-03-12T19:30:00', 'UTC of the first frame'),
    nights: integer(1, 'nights alike', { min: 1, max: 10000 }),
    interval: number(1, 'from one to the next', { unit: 'd', min: 0.01 }),
    calibrations: choice(
      'every',
      ['every', 'first', 'arcs'],
      'nights with biases, darks, flats and arcs of their own; arcs: the first, and arcs in every night',
    ),
    evening: number(4, 'hours from the first frame to the first science frame, at least', { unit: 'h', min: 0 }),
    pause: number(5, 'between frames, beside the readout', { unit: 's', min: 0 }),
  },
  faults: section('Frames with which something is wrong, beside the good ones.', {
    'no header': count('science frames without OBSTYPE, OBJECTS, EXPTIME and DATE-OBS'),
    'no fibres': count('science frames whose header says that no fibre is lit'),
    'wrong camera': count('science frames that name another camera'),
    'saturated arc': count('arcs far beyond full well'),
    'lamp off': count('flats, and as many arcs, without light'),
    clouds: count('science frames behind thick clouds'),
  }),
  files: {
    container: choice('nres', ['nres', 'plain'], 'extensions and keywords of NRES, or one image as the profile says'),
    layout: choice('tree', ['tree', 'flat'], 'folders SITE/INSTRUMENT/DAY/raw, or all files in one'),
    truth: choice('full', ['full', 'tables'], 'what is told of each frame: spectra and light as well, or tables only'),
  },
}

function starKeys() {
  return {
    frames: count('exposures', 4),
    seconds: number(600, 'exposure time', { unit: 's', min: 0 }),
    fibre: integer(0, 'fibre that sees it', { min: 0 }),
    peak: number(8000, 'electrons for each pixel along the brightest order, in a clear sky', { unit: 'e/px', min: 0 }),
    temperature: number(5800, 'effective temperature', { unit: 'K', min: 2000, max: 60000 }),
    rotation: number(2, 'v sin i', { unit: 'km/s', min: 0, max: 500 }),
    lines: number(1, 'strength of its lines', { min: 0, max: 10 }),
    template: path('', 'its spectrum instead: a CSV or FITS table with wavelength_angstrom (vacuum) and flux'),
    velocity: number(12.3, 'radial velocity: c z at the barycentre', { unit: 'km/s' }),
    ra: number(164.8666, 'right ascension, ICRS', { unit: 'deg', min: 0, max: 360 }),
    dec: number(-9.1, 'declination', { unit: 'deg', min: -90, max: 90 }),
    epoch: number(2000, 'of the position', { unit: 'yr' }),
    'motion ra': number(0, 'proper motion in right ascension, with cos dec', { unit: 'mas/yr' }),
    'motion dec': number(0, 'proper motion in declination', { unit: 'mas/yr' }),
    parallax: number(20, 'parallax', { unit: 'mas', min: 0 }),
    barycentric: number(undefined, 'barycentric velocity of the site; computed when empty', {
      unit: 'km/s',
      optional: true,
    }),
    magnitude: number(6, 'V, for the header', { unit: 'mag' }),
  }
}

export type Settings = ConfigOf<typeof schema>
export type StarSettings = Settings['star'][string]

/** The value for the k-th fibre: the last one of a short list serves the rest. */
export const nth = (values: readonly number[], k: number): number => values[Math.min(k, values.length - 1)] ?? 0

/** What headers and tables call the target of [star.NAME]. */
export const starNameOf = (name: string): string => name.replace(/[\s&]+/g, '')

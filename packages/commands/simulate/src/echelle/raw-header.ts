import { headerFor, type InstrumentProfile } from '@nightpipe/config'
import { formatMjd, formatSexagesimal } from '@nightpipe/sky'
import { type Exposure, starOf } from './night.js'
import { type Settings, starNameOf } from './schema.js'

type HeaderCard = [keyword: string, value: string | number, comment: string]

const OBSTYPES = { bias: 'BIAS', dark: 'DARK', flat: 'LAMPFLAT', arc: 'DOUBLE', object: 'TARGET' } as const

/** What each fibre sees, as `star&thar&none`. */
export function objectsOf(frame: Exposure): string {
  if (frame.fault === 'no fibres') return frame.light.map(() => 'none').join('&')
  return frame.light.map((light) => (light === 'star' ? starNameOf(frame.star!) : light)).join('&')
}

/** The sections of the raw frame, as FITS writes them. */
function sectionsOf({ detector }: Settings): { data: string; overscan?: string; size: string } {
  const { width, height, overscan, unused } = detector
  const last = overscan > 0 ? width + unused + overscan : width
  return {
    data: `[1:${width},1:${height}]`,
    ...(overscan > 0 ? { overscan: `[${width + unused + 1}:${last},1:${height}]` } : {}),
    size: `[1:${last},1:${height}]`,
  }
}

/** The cards of the image of an NRES frame. */
export function nresCards(settings: Settings, frame: Exposure): HeaderCard[] {
  const cards = [
    ...placeCards(settings, frame),
    ...exposureCards(frame),
    ...detectorCards(settings),
    ...pointing(settings, frame),
  ]
  return frame.fault === 'no header' ? cards.filter(([keyword]) => !LOST.includes(keyword)) : cards
}

function placeCards({ site }: Settings, frame: Exposure): HeaderCard[] {
  const calibration = frame.type !== 'object'
  return [
    ['ORIGIN', 'SIMULATED', 'made by a model, not by a telescope'],
    ['SITEID', site.site, 'code of the site'],
    ['TELESCOP', site.instrument, 'spectrograph'],
    ['TELID', 'igla', 'enclosure'],
    ['INSTRUME', frame.fault === 'wrong camera' ? otherCamera(site.camera) : site.camera, 'camera'],
    ['LONGITUD', site.longitude, '[deg] east'],
    ['LATITUDE', site.latitude, '[deg] north'],
    ['HEIGHT', site.height, '[m] above the sea'],
    ['PROPID', calibration ? 'calibrate' : 'simulation', 'proposal'],
    ['BLKUID', calibration ? '000000000' : String(100000000 + frame.number), 'block'],
    ['IGLATEMP', 20, '[C] enclosure'],
    ['NRESPRES', 14.2, '[psi] pressure'],
  ]
}

function exposureCards(frame: Exposure): HeaderCard[] {
  const type = OBSTYPES[frame.type]
  const [start, end] = [formatMjd(frame.mjd), formatMjd(frame.mjd + frame.seconds / 86400)]
  return [
    ['OBSTYPE', type, 'type of exposure'],
    ['OBJECT', frame.star === undefined ? type.toLowerCase() : starNameOf(frame.star), 'target'],
    ['OBJECTS', objectsOf(frame), 'what each fibre sees'],
    ['DATE-OBS', start, '[UTC] start of exposure'],
    ['DAY-OBS', frame.day, 'day on which the night began'],
    ['MJD-OBS', Number(frame.mjd.toFixed(8)), '[d] UTC, start of exposure'],
    ['UTSTART', start.slice(11), '[UTC] start'],
    ['UTSTOP', end.slice(11), '[UTC] end'],
    ['EXPTIME', frame.seconds, '[s] exposure time'],
    ['REQTIME', frame.seconds, '[s] requested'],
    ['RLEVEL', 0, 'raw'],
    ['L1PUBDAT', start, 'public from'],
    ['RAWIMAGE', `${frame.name}.fits`, 'name of the image'],
  ]
}

function detectorCards(settings: Settings): HeaderCard[] {
  const { detector } = settings
  const sections = sectionsOf(settings)
  return [
    ['CONFMODE', 'default', 'readout mode'],
    ['CCDSUM', '1 1', 'binning'],
    ['CCDATEMP', -90, '[C] detector'],
    ['RDSPEED', 75, '[kpx/s] readout'],
    ['GAIN', detector.gain, '[electron/adu] gain'],
    ['RDNOISE', detector['read noise'], '[electron] read noise'],
    ['SATURATE', detector.saturation, '[adu] saturation'],
    ['MAXLIN', Math.round(0.85 * detector.saturation), '[adu] linear up to here'],
    ['DETSIZE', sections.size, 'size of the detector'],
    ['DATASEC', sections.data, 'pixels that see light'],
    ['TRIMSEC', sections.data, 'pixels to keep'],
    ...(sections.overscan ? [['BIASSEC', sections.overscan, 'overscan'] as HeaderCard] : []),
  ]
}

const LOST = ['OBSTYPE', 'OBJECTS', 'OBJECT', 'EXPTIME', 'DATE-OBS', 'MJD-OBS', 'UTSTART', 'INSTRUME', 'TELESCOP']

const otherCamera = (camera: string) => (camera === 'fa98' ? 'fa97' : 'fa98')

function pointing(settings: Settings, frame: Exposure): HeaderCard[] {
  if (frame.star === undefined) return []
  const { ra, dec } = starOf(settings, frame.star)
  return [
    ['RA', formatSexagesimal(ra, 'hours', 4), '[h] right ascension, ICRS'],
    ['DEC', formatSexagesimal(dec, 'degrees', 3), '[deg] declination'],
    ['RADESYS', 'ICRS', 'frame of the coordinates'],
  ]
}

/** The cards of a small instrument, under the keywords of its profile. */
export function plainCards(settings: Settings, frame: Exposure, profile: InstrumentProfile): HeaderCard[] {
  const { site, detector } = settings
  const star = frame.star === undefined ? undefined : starOf(settings, frame.star)
  const { width, height, overscan, unused } = detector
  const lit = profile.values.keywords.fibres[0]
  const cards = headerFor(
    {
      type: frame.type,
      object: frame.star === undefined ? frame.type : starNameOf(frame.star),
      instrument: site.instrument,
      camera: frame.fault === 'wrong camera' ? otherCamera(site.camera) : site.camera,
      site: site.site,
      exposureSeconds: frame.seconds,
      mjd: frame.mjd,
      binning: [1, 1],
      gain: detector.gain,
      readNoise: detector['read noise'],
      saturation: detector.saturation,
      data: { x0: 0, y0: 0, x1: width, y1: height },
      overscan: overscan > 0 ? [{ x0: width + unused, y0: 0, x1: width + unused + overscan, y1: height }] : [],
      ...(star ? { raDeg: star.ra, decDeg: star.dec } : {}),
    },
    profile,
  )
  const place: HeaderCard[] = [
    ['LONGITUD', site.longitude, '[deg] east'],
    ['LATITUDE', site.latitude, '[deg] north'],
    ['HEIGHT', site.height, '[m] above the sea'],
  ]
  const fibres: HeaderCard[] = lit ? [[lit, objectsOf(frame), 'what each fibre sees']] : []
  const all = [...cards.filter(([keyword]) => keyword !== lit), ...fibres, ...place]
  return frame.fault === 'no header' ? place : all
}

import { formatMjd, parseDate } from '@nightpipe/sky'
import { childNamed, childrenNamed, parseXml, textAt, type XmlElement, XmlError } from '@nightpipe/xml'
import { type Alert, type AlertPosition, type Family, type Param, paramOf } from './alert.js'

const NAMESPACE = /^http:\/\/www\.ivoa\.net\/xml\/VOEvent\/v(\d+\.\d+)$/
const ROLES = ['observation', 'prediction', 'utility', 'test'] as const
const BURST = /^sb\d{8}$/i

/**
 * A VOEvent 1.1, 2.0 or 2.1, as brokers send them: with any prefix or none, with missing parts. Throws an XmlError for what
 * is no VOEvent, or has no identity.
 */
export function readVoEvent(source: Uint8Array | string): Alert {
  const root = parseXml(source)
  if (root.name !== 'VOEvent') throw new XmlError(`is a document of type ${root.name}, not a VOEvent`)
  const ivorn = root.attributes.ivorn?.trim() ?? ''
  if (!/^ivo:\/\/[^\s/#?]{3,}\S*$/i.test(ivorn)) throw new XmlError(`its ivorn is '${ivorn}', not an IVO identifier`)
  const role = (root.attributes.role ?? 'observation').trim().toLowerCase()
  const known = ROLES.find((word) => word === role)
  if (!known) throw new XmlError(`its role is '${role}', none of ${ROLES.join(', ')}`)
  const params = paramsOf(childNamed(root, 'What'))
  const where = childNamed(root, 'WhereWhen/ObsDataLocation/ObservationLocation')
  const citations = childrenNamed(childNamed(root, 'Citations') ?? NOTHING, 'EventIVORN').map((element) => ({
    ivorn: element.text.trim(),
    cite: (element.attributes.cite ?? '').trim().toLowerCase(),
  }))
  const family = familyOf(ivorn, params)
  const kind = kindOf(ivorn, params, family)
  const start = timeOf(textAt(where, 'AstroCoords/Time/TimeInstant/ISOTime'), paramOf({ params }, 'Alert_Seq_T0'))
  return {
    ...{ ivorn, role: known, version: NAMESPACE.exec(root.namespace)?.[1] ?? root.attributes.version ?? '2.0' },
    ...{ family, kind, params, citations, ...burstOf(ivorn, params, family) },
    instrument: paramOf({ params }, 'Instrument') ?? paramOf({ params }, 'Instruments'),
    packetType: paramOf({ params }, 'Packet_Type'),
    serial: integer(paramOf({ params }, 'Pkt_Ser_Num')),
    level: paramOf({ params }, 'Notice_Level'),
    sent: isoOf(textAt(root, 'Who/Date')),
    ...start,
    position: positionOf(where),
    retracts: citations.some(({ cite }) => cite === 'retraction') || /retract/i.test(kind),
    catalogued: /(^|[-_])catalog$/i.test(kind),
    description:
      textAt(root, 'What/Description') ?? textAt(root, 'How/Description') ?? textAt(root, 'Citations/Description'),
    probability: probabilityOf(root),
  }
}

const NOTHING: XmlElement = { name: '', namespace: '', attributes: {}, children: [], text: '' }

/** All parameters, those of groups too; the value of one may stand in an element of its own. */
function paramsOf(what: XmlElement | undefined): Param[] {
  const read = (element: XmlElement, group: string): Param => ({
    ...{ name: (element.attributes.name ?? '').trim(), group },
    value: (element.attributes.value ?? textAt(element, 'Value') ?? '').trim(),
    ...(element.attributes.unit ? { unit: element.attributes.unit } : {}),
    ...(element.attributes.ucd ? { ucd: element.attributes.ucd } : {}),
  })
  return (what ?? NOTHING).children.flatMap((element) => {
    if (element.name === 'Param') return [read(element, '')]
    const group = (element.attributes.name ?? '').trim()
    return element.name === 'Group' ? childrenNamed(element, 'Param').map((param) => read(param, group)) : []
  })
}

function familyOf(ivorn: string, params: readonly Param[]): Family {
  const has = (name: string) => paramOf({ params }, name) !== undefined
  if (/^ivo:\/\/(org\.svom|svom)[./]/i.test(ivorn)) return has('GraceID') ? 'gw' : 'svom'
  if (has('GraceID') || /#(M?S|G)\d{6}\w*-\d+-/i.test(ivorn)) return 'gw'
  if (/swift/i.test(ivorn)) return 'swift'
  if (/fermi/i.test(ivorn)) return 'fermi'
  return /icecube|amon/i.test(ivorn) ? 'icecube' : 'other'
}

/** SVOM and LIGO say it behind the event in their identifiers; the others in a word of theirs, or by a number. */
function kindOf(ivorn: string, params: readonly Param[], family: Family): string {
  const local = ivorn.split('#')[1] ?? ''
  const forms: Partial<Record<Family, RegExp>> = { svom: /^sb\d+_(.+)$/i, gw: /-\d+-(\w+)$/ }
  const said = forms[family]?.exec(local)?.[1] ?? paramOf({ params }, 'AlertType')
  return said ?? /^[A-Za-z]+(?:_[A-Za-z]+)*/.exec(local)?.[0] ?? paramOf({ params }, 'Packet_Type') ?? ''
}

function burstOf(ivorn: string, params: readonly Param[], family: Family): Pick<Alert, 'burstId' | 'obsId'> {
  const named =
    paramOf({ params }, 'Burst_Id') ?? (family === 'svom' ? /#(sb\d{8})(?!\d)/i.exec(ivorn)?.[1] : undefined)
  const burst = named && BURST.test(named.trim()) ? named.trim().toLowerCase() : undefined
  const observation = paramOf({ params }, 'OBS_ID')
  return { ...(burst ? { burstId: burst } : {}), ...(observation ? { obsId: observation } : {}) }
}

/** The alert sequence tells when it all began; else the notice itself. */
function timeOf(instant: string | undefined, sequence: string | undefined): Pick<Alert, 't0' | 't0Mjd'> {
  for (const text of [sequence, instant]) {
    const date = text === undefined ? undefined : parseDate(text)
    if (date) return { t0: `${formatMjd(date.mjd)}Z`, t0Mjd: date.mjd }
  }
  return {}
}

const isoOf = (text: string | undefined): string | undefined => {
  const date = text === undefined ? undefined : parseDate(text)
  return date && `${formatMjd(date.mjd)}Z`
}

/** Undefined where there is none, where it is no place of the sky, and where its radius says that it is unknown (-1, 180). */
function positionOf(where: XmlElement | undefined): AlertPosition | undefined {
  const position = childNamed(where, 'AstroCoords/Position2D')
  if (!position) return undefined
  const read = (path: string) => {
    const text = textAt(position, path)
    return text === undefined ? Number.NaN : Number(text)
  }
  const swapped = /^dec/i.test(textAt(position, 'Name1') ?? '')
  const [c1, c2, radius] = [read('Value2/C1'), read('Value2/C2'), read('Error2Radius')]
  const [ra, dec] = swapped ? [c2, c1] : [c1, c2]
  const sane = Math.abs(dec) <= 90 && ra >= -360 && ra <= 720
  const blank = ra === 0 && dec === 0 && !(radius > 0) // as Fermi writes what it does not know yet
  if (!sane || blank || radius < 0 || radius >= 180) return undefined
  const system =
    childNamed(where, 'AstroCoordSystem')?.attributes.id ??
    childNamed(where, 'AstroCoords')?.attributes.coord_system_id ??
    ''
  const frame = /ICRS|FK5|FK4|GAL/i.exec(system)?.[0].toUpperCase() ?? 'ICRS'
  return { ra: ra < 0 ? ra + 360 : ra % 360, dec, ...(Number.isFinite(radius) ? { errorDeg: radius } : {}), frame }
}

function probabilityOf(root: XmlElement): number | undefined {
  const inference = childNamed(root, 'Why/Inference')
  const value = Number(inference?.attributes.probability ?? Number.NaN)
  return value >= 0 && value <= 1 ? value : undefined
}

const integer = (text: string | undefined) => (text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined)

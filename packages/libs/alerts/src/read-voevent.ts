import { formatMjd, parseDate } from '@nightpipe/sky'
import { childNamed, childrenNamed, parseXml, textAt, type XmlElement, XmlError } from '@nightpipe/xml'
import { type Alert, type Family, type Param, paramOf } from './alert.js'
import { positionOf, timeOf } from './where-when.js'

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
  const start = timeOf(where, paramOf({ params }, 'Alert_Seq_T0'))
  const retracts = citations.some(({ cite }) => cite === 'retraction') || /retract/i.test(kind)
  // Why something is taken back stands with what is.
  const places = ['What/Description', 'How/Description', 'Citations/Description', 'Description']
  if (retracts) places.unshift('Citations/Description')
  return {
    ...{ ivorn, role: known, version: NAMESPACE.exec(root.namespace)?.[1] ?? root.attributes.version ?? '2.0' },
    ...{ family, kind, params, citations, ...burstOf(ivorn, params, family, citations) },
    eventId: eventOf(params, family),
    instrument: paramOf({ params }, 'Instrument') ?? paramOf({ params }, 'Instruments'),
    packetType: paramOf({ params }, 'Packet_Type'),
    serial: integer(paramOf({ params }, 'Pkt_Ser_Num')),
    level: paramOf({ params }, 'Notice_Level'),
    sent: isoOf(textAt(root, 'Who/Date')),
    ...start,
    position: positionOf(where),
    retracts,
    catalogued: /(^|[-_])catalog$/i.test(kind),
    description: places.map((place) => textAt(root, place)).find((text) => text !== undefined && text !== ''),
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

const BURST_IN_IVORN = /[#?](sb\d{8})(?!\d)/i

/** By its parameter, or its identifier; a retraction may name it only by what it cites. */
function burstOf(
  ivorn: string,
  params: readonly Param[],
  family: Family,
  citations: Alert['citations'],
): Pick<Alert, 'burstId' | 'obsId'> {
  const own = family === 'svom' ? BURST_IN_IVORN.exec(ivorn)?.[1] : undefined
  const taken = citations.find(({ cite }) => cite === 'retraction')?.ivorn
  const named = paramOf({ params }, 'Burst_Id') ?? own ?? (taken && BURST_IN_IVORN.exec(taken)?.[1])
  const burst = named && BURST.test(named.trim()) ? named.trim().toLowerCase() : undefined
  const observation = paramOf({ params }, 'OBS_ID')
  return { ...(burst ? { burstId: burst } : {}), ...(observation ? { obsId: observation } : {}) }
}

/** What its observatory calls the event; several notices of one event have it in common. */
function eventOf(params: readonly Param[], family: Family): string | undefined {
  const own: Partial<Record<Family, string[]>> = {
    ...{ svom: ['Burst_Id'], gw: ['GraceID'], swift: ['TrigID', 'Target_ID'] },
    icecube: ['AMON_ID', 'event_name', 'event_id'],
  }
  return [...(own[family] ?? []), ...NUMBERS]
    .map((name) => paramOf({ params }, name))
    .find((value) => value !== undefined)
}

/** How the others call the numbers of their triggers: TrigID nearly all, Trans_Num below threshold, EVENT_ID_NUM MAXI. */
const NUMBERS = ['TrigID', 'Trans_Num', 'EVENT_ID_NUM', 'Trigger_ID', 'Trigger_Number', 'Event_ID', 'EventID', 'Name']

const isoOf = (text: string | undefined): string | undefined => {
  const date = text === undefined ? undefined : parseDate(text)
  return date && `${formatMjd(date.mjd)}Z`
}

function probabilityOf(root: XmlElement): number | undefined {
  const inference = childNamed(root, 'Why/Inference')
  const value = Number(inference?.attributes.probability ?? Number.NaN)
  return value >= 0 && value <= 1 ? value : undefined
}

const integer = (text: string | undefined) => (text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined)

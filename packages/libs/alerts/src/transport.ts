import { childNamed, childrenNamed, escapeXml, parseXml, textAt } from '@nightpipe/xml'

const NAMESPACE = 'http://www.telescope-networks.org/xml/Transport/v1.1'

/** What brokers and subscribers say to each other beside events. */
export interface Transport {
  role: 'iamalive' | 'authenticate' | 'ack' | 'nak'
  origin: string
  response?: string
  timestamp?: string
  /** why it was refused */
  result?: string
  /** Meta/Param: filters, for one */
  params: { name: string; value: string }[]
}

/** A transport document as it is sent. */
export function transportText({ role, origin, response, timestamp, result, params }: Transport): string {
  const lines = [
    `<Origin>${escapeXml(origin)}</Origin>`,
    ...(response === undefined ? [] : [`<Response>${escapeXml(response)}</Response>`]),
    ...(timestamp === undefined ? [] : [`<TimeStamp>${escapeXml(timestamp)}</TimeStamp>`]),
  ]
  const meta = [
    ...params.map(({ name, value }) => `<Param name="${escapeXml(name)}" value="${escapeXml(value)}"/>`),
    ...(result === undefined ? [] : [`<Result>${escapeXml(result)}</Result>`]),
  ]
  if (meta.length) lines.push(`<Meta>${meta.join('')}</Meta>`)
  return (
    `<?xml version='1.0' encoding='UTF-8'?>\n<trn:Transport xmlns:trn="${NAMESPACE}" ` +
    `xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" version="1.0" role="${role}" ` +
    `xsi:schemaLocation="${NAMESPACE} http://www.telescope-networks.org/schema/Transport-v1.1.xsd">${lines.join('')}</trn:Transport>`
  )
}

const ROLES = ['iamalive', 'authenticate', 'ack', 'nak'] as const

/** Reads a message: a transport document, or undefined for any other (an event, probably). Throws where it is no XML. */
export function readTransport(message: Uint8Array | string): Transport | undefined {
  const root = parseXml(message)
  const role = ROLES.find((word) => word === root.attributes.role)
  if (root.name !== 'Transport' || !role) return undefined
  const meta = childNamed(root, 'Meta')
  const params = meta ? childrenNamed(meta, 'Param') : []
  return {
    role,
    origin: textAt(root, 'Origin') ?? '',
    response: textAt(root, 'Response'),
    timestamp: textAt(root, 'TimeStamp'),
    result: textAt(meta, 'Result'),
    params: params.map(({ attributes }) => ({ name: attributes.name ?? '', value: attributes.value ?? '' })),
  }
}

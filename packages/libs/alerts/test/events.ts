import { escapeXml } from '@nightpipe/xml'

interface EventParts {
  ivorn?: string
  role?: string
  burst?: string
  params?: Record<string, string>
  time?: string
  position?: [ra: number, dec: number, error: number]
  cites?: [cite: string, ivorn: string][]
  prefix?: string
  version?: string
}

/** A VOEvent as the SVOM centre writes them. */
export function voEvent(parts: EventParts = {}): string {
  const {
    ivorn = 'ivo://org.svom/fsc#sb26010101_eclairs-wakeup',
    role = 'observation',
    prefix = 'voe:',
    version = '2.0',
  } = parts
  const xmlns = prefix ? `xmlns:${prefix.slice(0, -1)}` : 'xmlns'
  const params = Object.entries(parts.params ?? {}).map(
    ([name, value]) => `<Param name="${name}" value="${escapeXml(value)}"/>`,
  )
  const burst = parts.burst
    ? `<Group name="Svom_Identifiers"><Param name="Burst_Id" value="${parts.burst}"/></Group>`
    : ''
  const [ra, dec, error] = parts.position ?? []
  const position = parts.position
    ? `<Position2D unit="deg"><Name1>RA</Name1><Name2>Dec</Name2><Value2><C1>${ra}</C1><C2>${dec}</C2></Value2><Error2Radius>${error}</Error2Radius></Position2D>`
    : ''
  const cites = (parts.cites ?? []).map(([cite, which]) => `<EventIVORN cite="${cite}">${which}</EventIVORN>`).join('')
  return `<?xml version="1.0" encoding="UTF-8"?>
<${prefix}VOEvent ${xmlns}="http://www.ivoa.net/xml/VOEvent/v${version}" role="${role}" version="${version}" ivorn="${ivorn}">
<Who><Date>2026-01-01T00:01:00+00:00</Date></Who>
<What>${params.join('')}${burst}</What>
<WhereWhen><ObsDataLocation><ObservationLocation><AstroCoordSystem id="UTC-ICRS-GEO"/><AstroCoords coord_system_id="UTC-ICRS-GEO">
<Time unit="s"><TimeInstant><ISOTime>${parts.time ?? '2026-01-01T00:00:00'}</ISOTime></TimeInstant></Time>${position}
</AstroCoords></ObservationLocation></ObsDataLocation></WhereWhen>
${cites ? `<Citations>${cites}</Citations>` : ''}</${prefix}VOEvent>`
}

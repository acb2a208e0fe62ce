import { fromGalactic } from '@nightpipe/sky'
import t from 'tap'
import { type Alert, noTrigger, readVoEvent } from '../src/index.js'

/** The parts of an event, each as XML; an empty one is left out. */
interface Parts {
  head?: string
  open?: string
  close?: string
  who?: string
  what?: string
  where?: string
  citations?: string
  tail?: string
}

const IVORN = 'ivo://org.svom/fsc#sb26010101_eclairs-wakeup'
const NAMESPACE = 'http://www.ivoa.net/xml/VOEvent/v2.0'
const opened = (attributes: string, prefix = 'voe:') =>
  `<${prefix}VOEvent xmlns${prefix ? `:${prefix.slice(0, -1)}` : ''}="${NAMESPACE}" ${attributes}>`

function document({
  head = '<?xml version="1.0" encoding="UTF-8"?>\n',
  open = opened(`role="observation" version="2.0" ivorn="${IVORN}"`),
  close = '</voe:VOEvent>',
  who = '<Who><AuthorIVORN>ivo://org.svom/fsc</AuthorIVORN><Date>2026-01-01T00:01:00</Date></Who>',
  what = '<What><Param name="SNR" value="9"/></What>',
  where = place(),
  citations = '',
  tail = '',
}: Parts = {}): string {
  return `${head}${open}${who}${what}${where}${citations}${close}${tail}`
}

/** Where and when, with what is to be tried. */
function place({
  system = 'UTC-ICRS-GEO' as string,
  coords = `coord_system_id="${system}"` as string,
  time = '<Time unit="s"><TimeInstant><ISOTime>2026-01-01T00:00:00</ISOTime></TimeInstant></Time>',
  position = '<Position2D unit="deg"><Name1>RA</Name1><Name2>Dec</Name2><Value2><C1>10</C1><C2>20</C2></Value2><Error2Radius>0.1</Error2Radius></Position2D>',
}: {
  system?: string
  coords?: string
  time?: string
  position?: string
} = {}): string {
  return `<WhereWhen><ObsDataLocation><ObservatoryLocation id="GEOLEO"/><ObservationLocation><AstroCoordSystem id="${system}"/><AstroCoords ${coords}>${time}${position}</AstroCoords></ObservationLocation></ObsDataLocation></WhereWhen>`
}
const at = (value: string, unit = 'deg', error = '<Error2Radius>0.1</Error2Radius>', more = '') =>
  place({ position: `<Position2D unit="${unit}">${more}<Value2>${value}</Value2>${error}</Position2D>` })
const c = (a: string | number, b: string | number) => `<C1>${a}</C1><C2>${b}</C2>`
const when = (text: string, system = 'UTC-ICRS-GEO') =>
  place({ system, time: `<Time><TimeInstant><ISOTime>${text}</ISOTime></TimeInstant></Time>` })
const who = (ivorn: string, role = 'observation') => ({ open: opened(`role="${role}" version="2.0" ivorn="${ivorn}"`) })
const params = (...pairs: [string, string][]) =>
  `<What>${pairs.map(([name, value]) => `<Param name="${name}" value="${value}"/>`).join('')}</What>`

const GOOD = { burstId: 'sb26010101', role: 'observation', t0: '2026-01-01T00:00:00.000Z' }
const SPOT = { ra: 10, dec: 20, errorDeg: 0.1 }
const NONE = undefined

/** Facts of the alert; of its position only those that are named. */
type Told = { position?: object | undefined; trigger?: boolean } & { [fact in keyof Alert]?: unknown }

/** What must be read, and as what. */
const READ: [string, string | Uint8Array, Told][] = [
  ['plain', document(), { ...GOOD, position: SPOT, trigger: true }],
  ['no XML declaration', document({ head: '' }), GOOD],
  [
    'another prefix',
    document({ open: opened(`role="observation" ivorn="${IVORN}"`, 'x:'), close: '</x:VOEvent>' }),
    GOOD,
  ],
  [
    'the default namespace',
    document({ open: opened(`role="observation" ivorn="${IVORN}"`, ''), close: '</VOEvent>' }),
    GOOD,
  ],
  ['no namespace', document({ open: `<VOEvent role="observation" ivorn="${IVORN}">`, close: '</VOEvent>' }), GOOD],
  [
    'version 1.1',
    document({
      open: `<VOEvent xmlns="http://www.ivoa.net/xml/VOEvent/v1.1" version="1.1" ivorn="${IVORN}">`,
      close: '</VOEvent>',
    }),
    { ...GOOD, version: '1.1' },
  ],
  ['version 2.1 with a question mark', document(who('ivo://org.svom/fsc?sb26010101_x')), { burstId: 'sb26010101' }],
  [
    'prefixed children, as STC writes them',
    document({
      where: place()
        .replace(/<(\/?)(\w)/g, '<$1stc:$2')
        .replace('<stc:WhereWhen', '<stc:WhereWhen xmlns:stc="http://stc"'),
    }),
    { ...GOOD, position: SPOT },
  ],
  ['no Who', document({ who: '' }), { ...GOOD, sent: NONE }],
  ['no What', document({ what: '' }), { ...GOOD, position: SPOT }],
  ['no WhereWhen', document({ where: '' }), { burstId: 'sb26010101', t0: NONE, position: NONE, trigger: true }],
  ['an empty WhereWhen', document({ where: '<WhereWhen/>' }), { position: NONE, t0: NONE }],
  [
    'nothing at all but an identity',
    document({ who: '', what: '', where: '' }),
    { burstId: 'sb26010101', trigger: true },
  ],
  ['a role that is not said', document({ open: opened(`ivorn="${IVORN}"`) }), GOOD],
  ['a role in capitals', document(who(IVORN, 'Observation')), GOOD],
  ['a test', document(who(IVORN, 'test')), { role: 'test', trigger: false }],
  ['a utility', document(who(IVORN, 'utility')), { role: 'utility', trigger: false }],
  ['a prediction', document(who(IVORN, 'prediction')), { role: 'prediction', trigger: false }],
  ['single quotes', document().replaceAll('"', "'"), { ...GOOD, position: SPOT }],
  [
    'comments and instructions between',
    document({ what: '<!-- a --><?go on?><What><!-- b --><Param name="SNR" value="9"/></What>' }),
    GOOD,
  ],
  ['comments inside of numbers', document({ where: at('<C1>1<!-- c -->0</C1><C2>20</C2>') }), { position: SPOT }],
  ['CDATA', document({ where: at('<C1><![CDATA[10]]></C1><C2>20</C2>') }), { position: SPOT }],
  [
    'entities in attributes',
    document({ what: params(['Note', 'a &lt; b &amp; c &#8212; &#x41;']) }),
    { params: [{ name: 'Note', value: 'a < b & c — A', group: '' }] },
  ],
  ['carriage returns', document().replaceAll('>', '>\r\n'), { ...GOOD, position: SPOT }],
  ['tabs and blanks in numbers', document({ where: at(c(' 10\n', '\t20 ')) }), { position: SPOT }],
  ['a byte order mark', Buffer.from(`\ufeff${document()}`), GOOD],
  [
    'UTF-16, little end first',
    Buffer.from(`\ufeff${document({ head: '<?xml version="1.0" encoding="UTF-16"?>' })}`, 'utf16le'),
    GOOD,
  ],
  ['UTF-16, big end first', Buffer.from(`\ufeff${document({ head: '' })}`, 'utf16le').swap16(), GOOD],
  [
    'Latin 1',
    Buffer.from(
      document({
        head: '<?xml version="1.0" encoding="ISO-8859-1"?>',
        what: '<What><Description>Télescope</Description></What>',
      }),
      'latin1',
    ),
    { ...GOOD, description: 'Télescope' },
  ],
  ['ASCII', Buffer.from(document({ head: '<?xml version="1.0" encoding="us-ascii"?>' })), GOOD],
  ['UTF-8 beyond ASCII', document({ what: '<What><Description>γ-ray</Description></What>' }), { description: 'γ-ray' }],
  ['unknown elements', document({ tail: '', citations: '<Extra><More a="1"/></Extra>' }), GOOD],
  [
    'an authority in capitals',
    document(who('ivo://ORG.SVOM/fsc#sb26010101_grm-trigger')),
    { burstId: 'sb26010101', family: 'svom' },
  ],
  ['a burst in capitals', document(who('ivo://org.svom/fsc#SB26010101_grm-trigger')), { burstId: 'sb26010101' }],
  [
    'a burst in a parameter of a group',
    document({
      ...who('ivo://org.svom/fsc#x'),
      what: '<What><Group name="Svom_Identifiers"><Param name="Burst_Id" value=" sb26010102 "/></Group></What>',
    }),
    { burstId: 'sb26010102' },
  ],
  [
    'Burst_ID as of 2022, with an observation',
    document({ ...who('ivo://org.svom/fsc#x'), what: params(['Burst_ID', 'sb22020379'], ['OBS_ID', '1007']) }),
    { burstId: 'sb22020379', obsId: '1007' },
  ],
  [
    'a parameter with an element Value',
    document({ what: '<What><Param name="Burst_Id"><Value>sb26010103</Value></Param></What>' }),
    { burstId: 'sb26010103' },
  ],
  [
    'a burst that is none',
    document({ ...who('ivo://org.svom/fsc#sb2601010_x'), what: params(['Burst_Id', 'sb2601010']) }),
    { burstId: NONE, trigger: false },
  ],
  ['nine digits are no burst', document(who('ivo://org.svom/fsc#sb260101011_x')), { burstId: NONE, trigger: false }],
  [
    'the burst of somebody else',
    document(who('ivo://example.org/x#sb26010101_eclairs')),
    { burstId: NONE, trigger: false },
  ],
  ['an empty parameter is none', document({ what: params(['Burst_Id', '']) }), { burstId: 'sb26010101' }],
  [
    'a dot behind the name of SVOM',
    document(who('ivo://svom.lal.in2p3.fr/SVOM#AlertSVOM20220207F603')),
    { burstId: NONE, family: 'svom', trigger: false },
  ],
  // where
  [
    'units of radians',
    document({ where: at(c(Math.PI / 18, Math.PI / 9), 'rad', `<Error2Radius>${Math.PI / 1800}</Error2Radius>`) }),
    { position: SPOT },
  ],
  ['deg deg', document({ where: at(c(10, 20), 'deg deg') }), { position: SPOT }],
  ['degrees', document({ where: at(c(10, 20), 'degrees') }), { position: SPOT }],
  ['Deg', document({ where: at(c(10, 20), 'Deg') }), { position: SPOT }],
  ['no unit', document({ where: at(c(10, 20)).replace(' unit="deg"', '') }), { position: SPOT }],
  [
    'hours and degrees',
    document({ where: at(c(10 / 15, 20), 'h deg', '<Error2Radius unit="deg">0.1</Error2Radius>') }),
    { position: SPOT },
  ],
  [
    'a radius of its own unit',
    document({ where: at(c(10, 20), 'deg', '<Error2Radius unit="arcmin">6</Error2Radius>') }),
    { position: SPOT },
  ],
  [
    'a radius in arcseconds',
    document({ where: at(c(10, 20), 'deg', '<Error2Radius pos_unit="arcsec">360</Error2Radius>') }),
    { position: SPOT },
  ],
  ['a unit that is no angle', document({ where: at(c(10, 20), 'parsec') }), { position: NONE, trigger: true }],
  [
    'two errors: the larger',
    document({ where: at(c(10, 20), 'deg', `<Error2>${c(0.05, 0.1)}</Error2>`) }),
    { position: SPOT },
  ],
  ['no error', document({ where: at(c(10, 20), 'deg', '') }), { position: { ra: 10, dec: 20, errorDeg: NONE } }],
  [
    'an error of 0',
    document({ where: at(c(10, 20), 'deg', '<Error2Radius>0</Error2Radius>') }),
    { position: { ra: 10, dec: 20, errorDeg: 0 } },
  ],
  [
    'an error of -1',
    document({ where: at(c(10, 20), 'deg', '<Error2Radius>-1.0000</Error2Radius>') }),
    { position: NONE, trigger: true },
  ],
  [
    'an error of 180',
    document({ where: at(c(10, 20), 'deg', '<Error2Radius>180</Error2Radius>') }),
    { position: NONE },
  ],
  [
    'an error that is no number',
    document({ where: at(c(10, 20), 'deg', '<Error2Radius>unknown</Error2Radius>') }),
    { position: { ra: 10, dec: 20, errorDeg: NONE } },
  ],
  [
    '0, 0 without an error, as Fermi writes',
    document({ where: at(c(0, 0), 'deg', '<Error2Radius>0</Error2Radius>') }),
    { position: NONE },
  ],
  ['0, 0 with an error', document({ where: at(c('0.0', '-0.0')) }), { position: { ra: 0, dec: 0 } }],
  [
    'declination first',
    document({
      where: at(c(20, 10), 'deg', '<Error2Radius>0.1</Error2Radius>', '<Name1>Dec</Name1><Name2>RA</Name2>'),
    }),
    { position: SPOT },
  ],
  ['a negative right ascension', document({ where: at(c(-350, 20)) }), { position: SPOT }],
  ['360 degrees', document({ where: at(c(370, 20)) }), { position: SPOT }],
  ['beyond the pole', document({ where: at(c(10, 91)) }), { position: NONE }],
  ['at the pole', document({ where: at(c(0, '-90')) }), { position: { dec: -90 } }],
  ['no number', document({ where: at(c('ten', 20)) }), { position: NONE }],
  ['NaN', document({ where: at(c('NaN', 20)) }), { position: NONE }],
  ['one coordinate', document({ where: at('<C1>10</C1>') }), { position: NONE }],
  ['empty coordinates', document({ where: at('<C1/><C2/>') }), { position: NONE }],
  ['exponents', document({ where: at(c('1.0E+01', '2e1')) }), { position: SPOT }],
  ['sexagesimal', document({ where: at(c('00:40:00.0', '+20:00:00')) }), { position: SPOT }],
  [
    'sexagesimal in the south',
    document({ where: at(c('0h40m0s', '-20d00m36s')) }),
    { position: { ra: 10, dec: -20.01 } },
  ],
  ['FK5', document({ where: place({ system: 'UTC-FK5-GEO' }) }), { position: { ...SPOT, frame: 'FK5' } }],
  ['an unknown system', document({ where: place({ system: 'UTC-SUPERGAL-MARS' }) }), { ...GOOD }],
  [
    'no system',
    document({ where: place({ coords: '' }).replace('<AstroCoordSystem id="UTC-ICRS-GEO"/>', '') }),
    { position: { ...SPOT, frame: 'ICRS' } },
  ],
  [
    'galactic',
    document({ where: place({ system: 'UTC-GAL-GEO' }) }),
    { position: { ra: fromGalactic([10, 20])[0], dec: fromGalactic([10, 20])[1], frame: 'ICRS' } },
  ],
  // astropy.coordinates; the E-terms of aberration, which we leave in, are a third of an arcsecond
  [
    'FK4',
    document({ where: place({ system: 'UTC-FK4-GEO' }) }),
    { position: { ra: 10.65897581576323, dec: 20.27386867051543, frame: 'ICRS' } },
  ],
  [
    'a place on Earth is none of the sky',
    document({ where: place({ system: 'UTC-GEOD-TOPO' }) }),
    { position: NONE, t0: GOOD.t0 },
  ],
  [
    'the system of the coordinates counts',
    document({ where: place({ system: 'UTC-GEOD-TOPO', coords: 'coord_system_id="UTC-ICRS-TOPO"' }) }),
    { position: SPOT },
  ],
  [
    'three dimensions',
    document({
      where: place({
        position: '<Position3D unit="deg deg Mpc"><Value3><C1>10</C1><C2>20</C2><C3>40</C3></Value3></Position3D>',
      }),
    }),
    { position: { ra: 10, dec: 20 } },
  ],
  [
    'two places of observation: the first',
    document({ where: place().replace('</ObsDataLocation>', '</ObsDataLocation><ObsDataLocation/>') }),
    { position: SPOT },
  ],
  // when
  ['microseconds', document({ where: when('2026-01-01T00:00:00.123456') }), { t0: '2026-01-01T00:00:00.123Z' }],
  ['nine digits', document({ where: when('2026-01-01T00:00:00.123456789') }), { t0: '2026-01-01T00:00:00.123Z' }],
  ['Z', document({ where: when('2026-01-01T00:00:00Z') }), GOOD],
  ['+00:00', document({ where: when('2026-01-01T00:00:00+00:00') }), GOOD],
  ['another zone', document({ where: when('2026-01-01T02:00:00+02:00') }), GOOD],
  ['a blank instead of T', document({ where: when('2026-01-01 00:00:00') }), GOOD],
  ['a day without time', document({ where: when('2026-01-01') }), GOOD],
  ['blanks around', document({ where: when(' 2026-01-01T00:00:00 ') }), GOOD],
  ['TT', document({ where: when('2026-01-01T00:01:09.184', 'TT-ICRS-GEO') }), GOOD],
  ['TDB', document({ where: when('2026-01-01T00:01:09.184', 'TDB-ICRS-BARY') }), GOOD],
  ['TAI', document({ where: when('2026-01-01T00:00:37', 'TAI-ICRS-GEO') }), GOOD],
  [
    'GPS',
    document({ where: when('2026-01-01T00:00:18', 'GPS-FK5-TOPO') }),
    { ...GOOD, position: { ...SPOT, frame: 'FK5' } },
  ],
  ['a month that is none', document({ where: when('2026-13-01T00:00:00') }), { t0: NONE, position: SPOT }],
  ['words', document({ where: when('yesterday') }), { t0: NONE }],
  ['an empty time', document({ where: when('') }), { t0: NONE }],
  [
    'the alert sequence',
    document({ what: params(['Alert_Seq_T0', '2025-12-31T23:59:50Z']) }),
    { t0: '2025-12-31T23:59:50.000Z' },
  ],
  [
    'the alert sequence is UTC whatever the rest',
    document({
      what: params(['Alert_Seq_T0', '2025-12-31T23:59:50']),
      where: when('2026-01-01T00:00:18', 'GPS-FK5-GEO'),
    }),
    { t0: '2025-12-31T23:59:50.000Z' },
  ],
  ['an alert sequence that is none', document({ what: params(['Alert_Seq_T0', 'n/a']) }), GOOD],
  // citations
  [
    'followed up',
    document({
      citations:
        '<Citations><EventIVORN cite="followup">ivo://org.svom/fsc#sb26010101_grm-trigger</EventIVORN></Citations>',
    }),
    {
      retracts: false,
      trigger: true,
      citations: [{ cite: 'followup', ivorn: 'ivo://org.svom/fsc#sb26010101_grm-trigger' }],
    },
  ],
  [
    'superseded',
    document({ citations: '<Citations><EventIVORN cite="supersedes">ivo://a.bc/d#e</EventIVORN></Citations>' }),
    { retracts: false },
  ],
  [
    'retracted',
    document({
      ...who('ivo://org.svom/fsc#sb26010101_retraction'),
      citations: `<Citations><EventIVORN cite="retraction">${IVORN}</EventIVORN><Description>a noisy pixel</Description></Citations>`,
    }),
    { retracts: true, description: 'a noisy pixel' },
  ],
  [
    'retracted, the reason told beside the level',
    document({
      citations: `<How><Description>N3e</Description></How><Citations><EventIVORN cite="retraction">${IVORN}</EventIVORN><Description>a noisy pixel</Description></Citations>`,
    }),
    { retracts: true, description: 'a noisy pixel' },
  ],
  [
    'retracted in capitals',
    document({ citations: `<Citations><EventIVORN cite=" Retraction ">${IVORN}</EventIVORN></Citations>` }),
    { retracts: true },
  ],
  ['retracted by its name alone', document(who('ivo://org.svom/fsc#sb26010101_retraction')), { retracts: true }],
  [
    'retracted, the burst only in what is cited',
    document({
      ...who('ivo://org.svom/fsc#r17'),
      citations: `<Citations><EventIVORN cite="retraction">${IVORN}</EventIVORN></Citations>`,
    }),
    { retracts: true, burstId: 'sb26010101' },
  ],
  [
    'several citations',
    document({
      citations: `<Citations><EventIVORN cite="followup">ivo://a.bc/d#e</EventIVORN><EventIVORN cite="retraction">${IVORN}</EventIVORN></Citations>`,
    }),
    { retracts: true, citations: { length: 2 } },
  ],
  ['a catalogued source', document(who('ivo://org.svom/fsc#sb26010101_eclairs-catalog')), { catalogued: true }],
  [
    'not slewing',
    document(who('ivo://org.svom/fsc#sb26010101_not-slewing')),
    { kind: 'not-slewing', catalogued: false },
  ],
  // others
  [
    'gravitational waves without a position',
    document({
      ...who('ivo://gwnet/LVC#S190510g-2-Initial'),
      what: params(['GraceID', 'S190510g'], ['AlertType', 'Initial'], ['Packet_Type', '151']),
      where: place({ position: '' }),
    }),
    { family: 'gw', kind: 'Initial', eventId: 'S190510g', position: NONE, t0: GOOD.t0, trigger: false },
  ],
  [
    'gravitational waves, retracted',
    document({
      ...who('ivo://gwnet/LVC#S190510g-3-Retraction'),
      what: params(['GraceID', 'S190510g'], ['AlertType', 'Retraction']),
    }),
    { family: 'gw', retracts: true, trigger: false },
  ],
  [
    'a mock of gravitational waves',
    document(who('ivo://gwnet/LVC#MS181101ab-1-Preliminary', 'test')),
    { family: 'gw', kind: 'Preliminary', trigger: false },
  ],
  [
    'gravitational waves by way of SVOM',
    document({ ...who('ivo://org.svom/fsc#lvk_1'), what: params(['GraceID', 'S190510g'], ['Packet_Type', '576']) }),
    { family: 'gw', trigger: false },
  ],
  [
    'Swift',
    document({ ...who('ivo://nasa.gsfc.gcn/SWIFT#BAT_GRB_Pos_532871-729'), what: params(['TrigID', '532871']) }),
    { family: 'swift', kind: 'BAT_GRB_Pos', eventId: '532871', trigger: false },
  ],
  [
    'Fermi',
    document({
      ...who('ivo://nasa.gsfc.gcn/Fermi#GBM_Flt_Pos_2026-01-01T00:00:00.00_1_1-2'),
      what: params(['TrigID', '788918400']),
    }),
    { family: 'fermi', kind: 'GBM_Flt_Pos', eventId: '788918400' },
  ],
  [
    'IceCube',
    document({
      ...who('ivo://nasa.gsfc.gcn/AMON#ICECUBE_BRONZE_Event2026-01-01T00:00:00.00_1'),
      what: params(['AMON_ID', '134191'], ['event_id', '7']),
    }),
    { family: 'icecube', kind: 'ICECUBE_BRONZE_Event', eventId: '134191' },
  ],
  [
    'MAXI',
    document({
      ...who('ivo://nasa.gsfc.gcn/MAXI#Unknown_Source_Pos_2026-01-01T00:00:00.00_8839245_6-0'),
      what: params(['EVENT_ID_NUM', '8839245']),
    }),
    { family: 'other', kind: 'Unknown_Source_Pos', eventId: '8839245' },
  ],
  [
    'Fermi below threshold',
    document({ ...who('ivo://nasa.gsfc.gcn/Fermi#GBM_SubThresh_1'), what: params(['Trans_Num', '736675405']) }),
    { family: 'fermi', kind: 'GBM_SubThresh', eventId: '736675405' },
  ],
  ['somebody', document(who('ivo://some.where/else#thing-1')), { family: 'other', trigger: false }],
  [
    'a probability',
    document({ citations: '<Why importance="0.9"><Inference probability="0.97"/></Why>' }),
    { probability: 0.97 },
  ],
  [
    'a probability of 2 is none',
    document({ citations: '<Why><Inference probability="2"/></Why>' }),
    { probability: NONE },
  ],
  [
    'a thousand parameters',
    document({ what: params(...Array.from({ length: 1000 }, (_, k): [string, string] => [`P${k}`, String(k)])) }),
    { ...GOOD, params: { length: 1000 } },
  ],
  [
    'a table among the parameters',
    document({
      what: '<What><Table name="t"><Field name="a"/><Data><TR><TD>1</TD></TR></Data></Table><Param name="SNR" value="1"/></What>',
    }),
    { params: { length: 1 } },
  ],
]

const long = (n: number) => 'x'.repeat(n)
const lol = Array.from({ length: 9 }, (_, k) => `<!ENTITY l${k + 1} "${`&l${k};`.repeat(10)}">`).join('')

/** What must be refused, and how it is said. */
const REFUSED: [string, string | Uint8Array, RegExp][] = [
  ['nothing', '', /is empty/],
  ['blanks', ' \n\t ', /is empty/],
  ['text', 'hello', /not XML/],
  ['JSON', '{"a": 1}', /not XML/],
  ['HTML', '<html><body/></html>', /type html, not a VOEvent/],
  ['a transport document', '<trn:Transport xmlns:trn="http://t" role="iamalive"/>', /type Transport/],
  ['an event within something', `<Wrap>${document({ head: '' })}</Wrap>`, /type Wrap/],
  ['no identity', document({ open: opened('role="observation"') }), /ivorn is ''/],
  ['an identity that is none', document(who('http://org.svom/fsc#sb26010101_x')), /not an IVO identifier/],
  ['an authority of two letters', document(who('ivo://ab/fsc#x')), /not an IVO identifier/],
  ['blanks in the identity', document(who('ivo://org.svom/f sc#x')), /not an IVO identifier/],
  ['a role that is none', document(who(IVORN, 'joke')), /role is 'joke'/],
  ['cut short', document().slice(0, 400), /never closed|cut short|never ends|due/],
  ['cut in a tag', document().slice(0, -5), /./],
  ['two documents', document() + document({ head: '' }), /second element/],
  ['text behind', document({ tail: 'more' }), /text after/],
  ['tags that cross', '<VOEvent ivorn="ivo://abc/d#e"><a><b></a></b></VOEvent>', /./],
  ['an attribute twice', document({ open: `<VOEvent ivorn="${IVORN}" ivorn="${IVORN}">`, close: '</VOEvent>' }), /./],
  ['attributes without quotes', document({ open: `<VOEvent ivorn=${IVORN}>`, close: '</VOEvent>' }), /./],
  ['a prefix that is not declared', document({ open: `<voe:VOEvent ivorn="${IVORN}">` }), /prefix voe is not declared/],
  ['an entity that is not known', document({ what: '<What><Description>&nbsp;</Description></What>' }), /./],
  ['an ampersand alone', document({ what: params(['a', 'b & c']) }), /./],
  ['a control character', document({ what: params(['a', '\u0001']) }), /control character/],
  ['a character that is none', document({ what: params(['a', '&#0;']) }), /./],
  ['a document type', `<!DOCTYPE VOEvent>${document({ head: '' })}`, /document type/],
  [
    'an external entity',
    `<!DOCTYPE v [<!ENTITY x SYSTEM "file:///etc/passwd">]>${document({ head: '', what: params(['a', '&x;']) })}`,
    /document type/,
  ],
  [
    'an external document type',
    `<!DOCTYPE v SYSTEM "http://127.0.0.1:1/x.dtd">${document({ head: '' })}`,
    /document type/,
  ],
  [
    'a billion laughs',
    `<!DOCTYPE v [<!ENTITY l0 "lol">${lol}]>${document({ head: '', what: params(['a', '&l9;']) })}`,
    /document type/,
  ],
  ['nested ten thousand deep', `${'<a>'.repeat(10_000)}${'</a>'.repeat(10_000)}`, /nested deeper/],
  [
    'two hundred thousand elements',
    `<VOEvent ivorn="${IVORN}">${'<a/>'.repeat(200_000)}</VOEvent>`,
    /more than|elements/,
  ],
  ['more than a mebibyte', document({ what: params(['a', long(2 ** 20)]) }), /more than/],
  [
    'UTF-8 that is none',
    Buffer.concat([Buffer.from(document().slice(0, 60)), Buffer.of(0xff, 0xfe, 0x80), Buffer.from('x')]),
    /bytes are not UTF-8/,
  ],
  [
    'Latin 1 that says UTF-8',
    Buffer.from(document({ what: '<What><Description>Télescope</Description></What>' }), 'latin1'),
    /not UTF-8/,
  ],
  [
    'UTF-16 without a mark',
    Buffer.from(document({ head: '<?xml version="1.0" encoding="UTF-16"?>' }), 'utf16le'),
    /NUL|UTF-16/,
  ],
  [
    'UTF-16 that is UTF-8',
    Buffer.from(document({ head: '<?xml version="1.0" encoding="UTF-16"?>' })),
    /UTF-16 is declared/,
  ],
  [
    'an encoding that nobody knows',
    Buffer.from(document({ head: '<?xml version="1.0" encoding="EBCDIC-37"?>' })),
    /encoding ebcdic-37 is not read/,
  ],
  [
    'a mark that the declaration denies',
    Buffer.from(`\ufeff${document({ head: '<?xml version="1.0" encoding="ISO-8859-1"?>' })}`),
    /the bytes are UTF-8/,
  ],
  ['NULs', Buffer.alloc(2000), /./],
  ['random bytes', Buffer.from(Array.from({ length: 3000 }, (_, k) => (k * 7919 + 13) % 251)), /./],
  ['a comment that never ends', `<!-- ${document({ head: '' })}`, /comment that never ends/],
  ['a FITS file', Buffer.from('SIMPLE  =                    T'.padEnd(2880)), /not XML/],
]

t.test(`${READ.length} unusual events are read as what they are`, async (t) => {
  for (const [name, source, { trigger, position, ...told }] of READ) {
    const alert = readVoEvent(typeof source === 'string' ? Buffer.from(source) : source)
    t.match(alert, told, name)
    for (const [key, value] of Object.entries(told))
      if (value === undefined) t.equal(alert[key as 'kind'], undefined, name)
    const asked = READ.find(([one]) => one === name)![2]
    if ('position' in asked && position === undefined) t.equal(alert.position, undefined, name)
    for (const [key, value] of Object.entries(position ?? {})) {
      const found = alert.position?.[key as 'ra']
      if (typeof value === 'number')
        t.ok(
          found !== undefined && Math.abs(found - value) < (name === 'FK4' ? 1e-4 : 1e-9),
          `${name}: ${key} ${found}`,
        )
      else t.equal(found, value, `${name}: ${key}`)
    }
    if (trigger !== undefined) t.equal(noTrigger(alert) === undefined, trigger, `${name}: ${noTrigger(alert)}`)
  }
})

t.test(`${REFUSED.length} documents are refused at once, with the reason`, async (t) => {
  for (const [name, source, reason] of REFUSED) {
    const begun = process.cpuUsage()
    t.throws(
      () => readVoEvent(typeof source === 'string' ? Buffer.from(source) : source),
      { name: 'XmlError', message: reason },
      name,
    )
    const { user, system } = process.cpuUsage(begun)
    t.ok(user + system < 5e5, `${name}: at once`)
  }
})

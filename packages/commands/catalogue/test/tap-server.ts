import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { angularSeparation } from '@nightpipe/sky'

/** What the server does to a request instead of answering it. */
export type Fault = '503' | '503 after' | 'stall' | 'stall midway' | 'truncate' | 'hang up' | 'error' | '400' | 'abort'

export interface TapServer {
  url: string
  /** queries that were answered in full */
  queries: string[]
  /** all requests, and when each came (ms) */
  requests: { path: string; at: number }[]
  /** taken one by one, before the requests that follow */
  faults: Fault[]
  /** jobs that were not deleted */
  jobs: Map<string, string>
  close(): Promise<void>
}

export interface ServedStar {
  id: string
  ra: number
  dec: number
  g: number
}

/** A TAP service on this machine, with the columns of Gaia: sync and async, and whatever can go wrong. */
export async function tapServer(stars: readonly ServedStar[]): Promise<TapServer> {
  const served: TapServer = { url: '', queries: [], requests: [], faults: [], jobs: new Map(), close: async () => {} }
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => answer(served, stars, request, response, body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  served.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tap`
  served.close = () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(() => resolve()))
  }
  return served
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const piece of request) body += piece
  return body
}

function answer(
  served: TapServer,
  stars: readonly ServedStar[],
  request: IncomingMessage,
  response: ServerResponse,
  body: string,
) {
  const path = new URL(request.url!, served.url).pathname
  served.requests.push({ path: `${request.method} ${path}`, at: performance.now() })
  const job = /\/async\/(\w+)(\/\S+)?$/.exec(path)
  if (job) return jobAnswer(served, stars, request, response, job[1]!, job[2])
  const fault = served.faults[0]
  if (fault !== 'abort') served.faults.shift()
  if (fault && fault !== 'abort') return misbehave(response, fault)
  if (path.endsWith('/async')) {
    const name = `j${served.requests.length}`
    served.jobs.set(name, body)
    return redirect(response, `${served.url}/async/${name}`)
  }
  response.end(tableFor(served, stars, body))
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(303, { location })
  response.end()
}

function jobAnswer(
  served: TapServer,
  stars: readonly ServedStar[],
  request: IncomingMessage,
  response: ServerResponse,
  name: string,
  what: string | undefined,
): void {
  const body = served.jobs.get(name)
  if (body === undefined) {
    response.writeHead(404)
    response.end()
  } else if (request.method === 'DELETE') {
    served.jobs.delete(name)
    response.end()
  } else if (what === '/phase') {
    const polls = served.requests.filter(({ path }) => path.endsWith(`${name}/phase`)).length
    const aborted = served.faults[0] === 'abort' && served.faults.shift()
    response.end(aborted ? 'ABORTED' : polls < 2 ? 'EXECUTING' : 'COMPLETED')
  } else response.end(what === '/results/result' ? tableFor(served, stars, body) : `<job/>`)
}

function misbehave(response: ServerResponse, fault: Fault): void {
  switch (fault) {
    case '503':
    case '503 after':
      response.writeHead(503, fault === '503 after' ? { 'retry-after': '0.4' } : {})
      response.end('busy')
      break
    case 'stall':
      break
    case 'stall midway':
      response.write('<VOTABLE><RESOURCE>')
      break
    case 'truncate':
      response.end('<VOTABLE><RESOURCE><TABLE><FIELD name="ra" datatype="double"/><DATA><TABLEDATA><TR><TD>1')
      break
    case 'hang up':
      response.destroy()
      break
    case '400':
      response.writeHead(400)
      response.end('<VOTABLE><INFO name="QUERY_STATUS" value="ERROR">no such column: colour</INFO></VOTABLE>')
      break
    default:
      response.end('<VOTABLE><INFO name="QUERY_STATUS" value="ERROR">out of &lt;disk&gt;</INFO></VOTABLE>')
  }
}

/** The stars in the circle of the query, as BINARY2: what Gaia's own service sends. */
function tableFor(served: TapServer, stars: readonly ServedStar[], body: string): string {
  const form = new URLSearchParams(body)
  const query = form.get('QUERY')!
  const circle = /CIRCLE\('ICRS', ([-\d.]+), ([-\d.]+), ([-\d.]+)\)/.exec(query)!.slice(1).map(Number) as [
    number,
    number,
    number,
  ]
  const faintest = Number(/<= ([\d.]+)/.exec(query)?.[1] ?? 99)
  const found = stars.filter(
    ({ ra, dec, g }) => g <= faintest && angularSeparation([ra, dec], [circle[0], circle[1]]) <= circle[2],
  )
  const most = Number(form.get('MAXREC'))
  served.queries.push(query)
  return votableOf(found.slice(0, most), found.length > most)
}

const FIELDS = [
  'source_id:long',
  'ra:double',
  'dec:double',
  'pmra:double',
  'pmdec:double',
  'phot_g_mean_mag:float',
  'g_error:float',
]
const OTHERS = ['ra_error', 'dec_error', 'parallax', 'phot_bp_mean_mag', 'bp_error', 'phot_rp_mean_mag', 'rp_error']

function votableOf(stars: readonly ServedStar[], overflow: boolean): string {
  const fields = [...FIELDS, ...OTHERS.map((name) => `${name}:float`)].map((one) => one.split(':') as [string, string])
  const rows = stars.map(({ id, ra, dec, g }) => {
    const row = Buffer.alloc(2 + 8 + 4 * 8 + 4 * 9)
    row.writeUInt16BE(0b0000000111111100, 0) // the seven others have no value
    row.writeBigInt64BE(BigInt(id), 2)
    for (const [k, value] of [ra, dec, 3, -4].entries()) row.writeDoubleBE(value, 10 + 8 * k)
    row.writeFloatBE(g, 42)
    row.writeFloatBE(0.002, 46)
    return row
  })
  const declared = fields.map(([name, type]) => `<FIELD name="${name}" datatype="${type}"/>`).join('')
  return (
    '<?xml version="1.0"?><VOTABLE version="1.4"><RESOURCE type="results"><INFO name="QUERY_STATUS" value="OK"/>' +
    `<TABLE>${declared}<DATA><BINARY2><STREAM encoding="base64">${Buffer.concat(rows).toString('base64')}</STREAM></BINARY2></DATA></TABLE>` +
    `${overflow ? '<INFO name="QUERY_STATUS" value="OVERFLOW"/>' : ''}</RESOURCE></VOTABLE>\n`
  )
}

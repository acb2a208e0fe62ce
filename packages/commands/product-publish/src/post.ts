import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { request as plain } from 'node:http'
import { request as secure } from 'node:https'
import { basename } from 'node:path'

/** What a store answered; `again`: it may take the same later. */
export interface Answer {
  state: 'sent' | 'refused' | 'again'
  text: string
}

/** Statuses that a later attempt may change: asked to wait, or something between us and the store is down. */
const LATER = new Set([408, 425, 429, 500, 502, 503, 504, 507])

/** Sends a file as the field `product` of a form. Never throws for what a network can do. */
export async function post(url: URL, path: string, key: string, seconds: number, signal: AbortSignal): Promise<Answer> {
  const boundary = `nightpipe-${process.pid}-${Date.now().toString(36)}`
  const name = basename(path).replace(/["\r\n]/g, '_')
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="product"; filename="${name}"\r\nContent-Type: application/fits\r\n\r\n`
  const tail = `\r\n--${boundary}--\r\n`
  const { size } = await stat(path)
  const headers = {
    'content-type': `multipart/form-data; boundary=${boundary}`,
    'content-length': Buffer.byteLength(head) + size + Buffer.byteLength(tail),
    ...(key ? { authorization: `Bearer ${key}` } : {}),
  }
  return new Promise((resolve) => {
    const send = url.protocol === 'https:' ? secure : plain
    const request = send(url, { method: 'POST', headers, signal, timeout: seconds * 1000 }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (piece: string) => {
        if (text.length < 4096) text += piece
      })
      response.on('end', () => resolve(answerOf(response.statusCode ?? 0, text)))
      response.on('error', (error) => resolve({ state: 'again', text: error.message }))
    })
    request.on('timeout', () => request.destroy(new Error(`no answer within ${seconds} s`)))
    request.on('error', (error) => resolve({ state: 'again', text: error.message }))
    request.write(head)
    const file = createReadStream(path)
    file.on('error', (error) => request.destroy(error))
    file.on('end', () => request.end(tail))
    file.pipe(request, { end: false })
  })
}

function answerOf(status: number, text: string): Answer {
  const said = wordsOf(text)
  if (status >= 200 && status < 300) return { state: 'sent', text: said }
  return { state: LATER.has(status) ? 'again' : 'refused', text: `${status} ${said}`.trim() }
}

/** The OK or error of a JSON answer, or the beginning of any other. */
function wordsOf(text: string): string {
  try {
    const { OK, error, id, version } = JSON.parse(text) as Record<string, unknown>
    const number = id === undefined ? '' : ` (number ${id}${version === undefined ? '' : `, version ${version}`})`
    return `${String(OK ?? error ?? text.slice(0, 200))}${number}`
  } catch {
    return text.replace(/\s+/g, ' ').slice(0, 200)
  }
}

import { DataError } from '@nightpipe/files'

/** A store that says nothing for so long is down. */
const PATIENCE_MS = 60_000

export interface Asking {
  /** what the store knows the caller by */
  key?: string | undefined
  signal?: AbortSignal | undefined
}

/** What a product store answers to a GET; its refusals, and silence, are a DataError of one line. */
export async function askStore(url: string, { key, signal }: Asking = {}): Promise<Response> {
  const get = () => {
    const limit = AbortSignal.timeout(PATIENCE_MS)
    return fetch(url, {
      headers: key ? { authorization: `Bearer ${key}` } : {},
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    })
  }
  const answer = await get()
    .catch((error: Error) => {
      if (wasHungUp(error)) return get()
      throw error
    })
    .catch((error: Error) => {
      const cause = (error.cause as Error | undefined)?.message ?? error.message
      throw new DataError(`cannot reach ${new URL(url).origin}: ${cause}`, 'is the store up?')
    })
  if (!answer.ok) throw new DataError(`${url}: ${answer.status} ${(await answer.text()).slice(0, 200)}`)
  return answer
}

/** A connection kept from an earlier question may be closed by the other side just as it is used again. */
function wasHungUp({ cause }: Error): boolean {
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes((cause as NodeJS.ErrnoException | undefined)?.code ?? '')
}

import { DataError } from '@nightpipe/files'
import type { JetStreamManager, NatsError } from 'nats'

const NOT_FOUND = '404'
export const isMissing = (error: unknown) => (error as NatsError).code === NOT_FOUND

/** The stream that keeps these subjects: as it is, or made. One that somebody else made is not changed. */
export async function ensureStream(manager: JetStreamManager, name: string, subject: string): Promise<void> {
  const { StorageType } = await import('nats')
  try {
    const { config } = await manager.streams.info(name)
    if (config.subjects.some((one) => covers(one, subject))) return
    throw new DataError(
      `the stream ${name} keeps ${config.subjects.join(', ')}, not ${subject}`,
      `name another stream, or add the subject: nats stream edit ${name}`,
    )
  } catch (error) {
    if (!isMissing(error)) throw error
    await manager.streams.add({ name, subjects: [subject], storage: StorageType.File })
  }
}

/** Whether all subjects of one pattern are among those of the other. */
export function covers(wide: string, narrow: string): boolean {
  const [a, b] = [wide.split('.'), narrow.split('.')]
  for (let k = 0; k < a.length; k++) {
    if (a[k] === '>') return b.length > k
    if (b[k] === undefined || b[k] === '>') return false
    if (a[k] !== '*' && a[k] !== b[k]) return false
  }
  return a.length === b.length
}

import { readFileSync } from 'node:fs'
import { integer, path, text } from '@nightpipe/config'
import { ConfigError, DataError } from '@nightpipe/files'
import type { ConnectionOptions } from 'nats'

/** Where messages go, or come from. */
export interface Place {
  /** nats://host:port, with name:password@ or token@ before it where the server wants them; tls:// for an encrypted line */
  url: string
  /** JetStream stream that keeps them; '' for plain messages */
  stream: string
  /** a .creds file, '' for none */
  credentials: string
}

/** The keys that say so, as sections of INI files have them. */
export const placeSchema = {
  url: text('', 'NATS server, as nats://127.0.0.1:4222 or nats://name:password@host; empty: none'),
  stream: text('', 'JetStream stream that keeps the messages; it is made where there is none. Empty: plain messages'),
  credentials: path('', 'file of credentials (.creds), where the server wants one'),
}

/** For those who follow: how a subscriber is known to the server, and how patient it is. */
export const followSchema = {
  durable: text('nightpipe', 'name under which JetStream remembers what was done; one for each subscriber'),
  attempts: integer(0, 'a message that could not be dealt with so often is given up; 0: never', { min: 0 }),
}

/** What the client of NATS is told. Refuses what cannot work before anything is begun. */
export function connectionOptions({ url, credentials }: Place, key: string): () => Promise<ConnectionOptions> {
  const said = URL.canParse(url) ? new URL(url) : undefined
  if (!said || !/^(nats|tls):$/.test(said.protocol) || said.hostname === '')
    throw new ConfigError(`${key}: '${hidden(url)}' is no NATS server`, 'as nats://127.0.0.1:4222')
  const [name, word] = [said.username, said.password].map(decodeURIComponent) as [string, string]
  const creds = credentials === '' ? undefined : read(credentials)
  return async () => {
    const { credsAuthenticator } = await import('nats')
    return {
      servers: `${said.hostname}:${said.port || 4222}`,
      ...{ name: 'nightpipe', reconnect: false, timeout: 5000, pingInterval: 10_000, maxPingOut: 2 },
      ...(word ? { user: name, pass: word } : name ? { token: name } : {}),
      ...(said.protocol === 'tls:' ? { tls: {} } : {}),
      ...(creds ? { authenticator: credsAuthenticator(creds) } : {}),
    }
  }
}

/** Without name and password: for messages. */
export const hidden = (url: string) => url.replace(/\/\/[^@/]*@/, '//')

function read(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new DataError(`cannot read the credentials in ${path}: ${(error as Error).message}`)
  }
}

/** Names of streams and durable consumers have no dots, blanks or wildcards; JetStream would say so too late. */
export function checkName(name: string, key: string): void {
  if (name !== '' && !/^[A-Za-z0-9_-]{1,64}$/.test(name))
    throw new ConfigError(`${key}: '${name}' is no name`, 'letters, digits, _ and -')
}

/** Subjects are words with dots between them; `*` is any word and `>` at the end any rest where they are followed. */
export function checkSubject(subject: string, key: string, wild = false): void {
  const words = subject.split('.')
  const plain = /^[^\s.*>\p{Cc}]+$/u
  const good = words.every((word, k) => plain.test(word) || (wild && (word === '*' || (word === '>' && !words[k + 1]))))
  if (!good) throw new ConfigError(`${key}: '${subject}' is no subject`, 'words with dots between them')
}

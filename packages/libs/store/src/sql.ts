import { DataError } from '@nightpipe/files'

type Row = Record<string, unknown>

/** Statements of a database; `$1` stands for the first parameter. */
export interface Queries {
  query<T extends Row = Row>(text: string, parameters?: readonly unknown[]): Promise<T[]>
}

export interface Sql extends Queries {
  kind: 'embedded' | 'server'
  /** All of `work`, or nothing of it. */
  transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export const isServer = (place: string) => /^postgres(ql)?:\/\//.test(place)

/** A PostgreSQL server by its URL, or an embedded database in a folder. */
export const openSql = (place: string): Promise<Sql> => (isServer(place) ? openServer(place) : openEmbedded(place))

async function openEmbedded(folder: string): Promise<Sql> {
  const { PGlite } = await import('@electric-sql/pglite')
  const database = await PGlite.create(folder)
  const rowsOf = async (ran: Promise<{ rows: unknown[] }>) => (await ran).rows
  return {
    kind: 'embedded',
    query: async (text, parameters = []) => (await rowsOf(database.query(text, [...parameters]))) as never,
    transaction: (work) =>
      database.transaction((own) =>
        work({ query: async (text, parameters = []) => (await rowsOf(own.query(text, [...parameters]))) as never }),
      ),
    close: () => database.close(),
  }
}

async function openServer(url: string): Promise<Sql> {
  const { default: pg } = await import('pg')
  const pool = new pg.Pool({ connectionString: url, max: 8 })
  // A server that goes away between two requests is told by the next one.
  pool.on('error', () => undefined)
  try {
    await pool.query('select 1')
  } catch (error) {
    await pool.end()
    const place = url.replace(/\/\/[^@/]*@/, '//')
    throw new DataError(
      `no database at ${place}: ${(error as Error).message}`,
      'is the server up, and are name and password right?',
    )
  }
  return {
    kind: 'server',
    query: async (text, parameters = []) => (await pool.query(text, [...parameters])).rows,
    async transaction(work) {
      const client = await pool.connect()
      try {
        await client.query('begin')
        const result = await work({
          query: async (text, parameters = []) => (await client.query(text, [...parameters])).rows,
        })
        await client.query('commit')
        client.release()
        return result
      } catch (error) {
        // A connection whose rollback fails is of no use to anybody.
        const broken = await client.query('rollback').then(
          () => undefined,
          (failure: Error) => failure,
        )
        client.release(broken)
        throw error
      }
    },
    close: () => pool.end(),
  }
}

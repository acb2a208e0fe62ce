import { ConfigError, DataError } from '@nightpipe/command'
import { run } from './run.js'

try {
  const { text, code } = await run(process.argv.slice(2))
  process.stdout.write(text)
  process.exitCode = code
} catch (error) {
  const known = error instanceof ConfigError || error instanceof DataError
  const { message, advice } = error as DataError
  const hint = known ? advice : 'a bug in nightpipe: please report it'
  process.stderr.write(`fits-compare: ${known ? '' : 'internal error: '}${message}${hint ? ` (${hint})` : ''}\n`)
  process.exitCode = error instanceof ConfigError ? 2 : known ? 3 : 1
}

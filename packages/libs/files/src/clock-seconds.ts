/**
 * Seconds of a clock that nobody sets, for how long something takes. `performance` counts the same, but loads a dozen
 * modules of Node when it is first named: a millisecond of every command.
 */
export function clockSeconds(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds + nanoseconds / 1e9
}

/** The data cannot be used (exit code 3 or 5). The advice says what to do now, and is shown in brackets. */
export class DataError extends Error {
  readonly advice: string | undefined
  constructor(message: string, advice?: string, options?: ErrorOptions) {
    super(advice ? `${message} (${advice})` : message, options)
    this.name = 'DataError'
    this.advice = advice
  }
}

/** A wrong flag or config (exit code 2): nothing was touched. The message is the first problem, `problems` has all. */
export class ConfigError extends Error {
  readonly problems: readonly string[]
  constructor(problem: string | readonly string[], options?: ErrorOptions) {
    const problems = typeof problem === 'string' ? [problem] : problem
    super(problems[0] ?? 'wrong configuration', options)
    this.name = 'ConfigError'
    this.problems = problems
  }
}

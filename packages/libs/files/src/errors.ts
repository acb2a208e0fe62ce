/** What a system call says, in words, and what a person can do about it. */
const MEANING: Record<string, [string, string]> = {
  ENOENT: ['no such file or folder', 'check the path'],
  EACCES: ['permission denied', 'check the owner and the mode of the file and of its folder'],
  EPERM: ['not permitted', 'check the owner and the mode of the file and of its folder'],
  EROFS: ['the file system is read-only', 'write to another folder, or remount it'],
  ENOSPC: ['no space left on the disk', 'free some space there and run again: what is finished is kept'],
  EDQUOT: ['the disk quota is used up', 'free some space there and run again: what is finished is kept'],
  EFBIG: ['the file would be larger than the file system or ulimit -f allows', 'raise the limit, or use another disk'],
  ENOTDIR: ['a part of the path is a file, not a folder', 'check the path'],
  EISDIR: ['it is a folder, a file is needed', 'check the path'],
  EEXIST: ['it exists already', 'remove it, or choose another name'],
  EMFILE: ['this process has too many files open', 'raise ulimit -n, or use fewer --workers'],
  ENFILE: ['the machine has too many files open', 'close other programs, or use fewer --workers'],
  ENAMETOOLONG: ['the name is too long', 'shorten it'],
  ELOOP: ['its symbolic links go in a circle', 'mend the links'],
  EIO: ['the disk or the network failed while at it', 'check the disk, then run again'],
  ESTALE: ['the network file system lost it', 'check the mount, then run again'],
  ETXTBSY: ['it is in use', 'wait for the program that uses it'],
  EXDEV: ['it lies on another file system', 'keep both on one disk'],
}

/** What another run may find mended, with the same data. */
const OF_THE_MACHINE = ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EFBIG', 'EMFILE', 'ENFILE', 'EIO', 'ESTALE']

/** The data cannot be used (exit code 3). The message names the file and both values; the advice says what to do now. */
export class DataError extends Error {
  override readonly name: string = 'DataError'
  constructor(
    message: string,
    readonly advice?: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/**
 * A flag or the configuration is wrong, and nothing was touched (exit code 2). The message is the first problem;
 * `problems` has all of them, one line each.
 */
export class ConfigError extends Error {
  override readonly name: string = 'ConfigError'
  readonly problems: readonly string[]
  constructor(
    message: string | readonly string[],
    readonly advice?: string,
    options?: ErrorOptions,
  ) {
    const problems = typeof message === 'string' ? [message] : message
    super(problems[0] ?? 'wrong configuration', options)
    this.problems = problems
  }
}

/** The code of a failed system call (`ENOSPC`), or undefined for any other error. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined
}

/**
 * A failed system call as one clear line: `cannot write m67.fits: no space left on the disk (free some space …)`.
 * `doing` is 'write', 'read', … Any other error comes back untouched, so that a bug stays visible as a bug.
 */
export function explainSystemError(error: unknown, doing: string, path: string): Error {
  if (error instanceof DataError || error instanceof ConfigError) return error
  const code = systemCode(error)
  if (!code) return error as Error
  const [what, advice] = MEANING[code] ?? [code, undefined]
  return new DataError(`cannot ${doing} ${path}: ${what}`, advice, { cause: error })
}

/** True for a line of `explainSystemError` about a disk, a mount or a limit: the data are not to blame, and may be tried again. */
export const blamesMachine = (line: string): boolean =>
  /\bcannot \w+ /.test(line) && OF_THE_MACHINE.some((code) => line.includes(`: ${MEANING[code]![0]}`))

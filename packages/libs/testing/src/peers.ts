import { spawnSync } from 'node:child_process'

/** The Python of the system, which has the astronomers' packages: one that a person put before it on the PATH has not. */
export const PYTHON = '/usr/bin/python3'

const SEARCH = 'import importlib.util as u, sys; print(*[m for m in sys.argv[1:] if not u.find_spec(m)])'

/** Why a comparison with these programs is skipped, if it is. */
export function lacking(...programs: string[]): string | false {
  const isThere = (name: string) => spawnSync('sh', ['-c', 'command -v "$0"', name]).status === 0
  const absent = programs.filter((name) => !isThere(name))
  return absent.length > 0 && `not installed: ${absent.join(', ')}`
}

/** Why a comparison with these packages of Python is skipped, if it is. */
export function lackingPython(...packages: string[]): string | false {
  const { status, stdout } = spawnSync(PYTHON, ['-c', SEARCH, ...packages], { encoding: 'utf8' })
  const absent = status === 0 ? stdout.trim() : packages.join(' ')
  return absent !== '' && `${PYTHON} has no ${absent}`
}

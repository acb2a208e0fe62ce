import { existsSync, readFileSync } from 'node:fs'
import { writeAtomically } from '@nightpipe/files'

/** Says in the INI of reduction that a calibration is done without; false where a person has written that INI. */
export function addWithout(path: string, calibration: string): boolean {
  const line = `${calibration} = none`
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '# by site-setup --without\n[calibration]\n'
  if (text.split('\n').some((one) => one.trim() === line)) return true
  if (!text.startsWith('# by site-setup')) return false
  writeAtomically(path, `${text}${line}\n`)
  return true
}

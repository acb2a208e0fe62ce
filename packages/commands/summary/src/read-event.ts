import { readFileSync } from 'node:fs'
import { readTriggerText, type TriggerContext } from '@nightpipe/alerts'
import { DataError, explainSystemError } from '@nightpipe/files'

/** The event that a trigger file tells of; undefined where none is named. */
export function readEvent(path: string): TriggerContext | undefined {
  if (path === '') return undefined
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw explainSystemError(error, 'read', path)
  }
  try {
    return readTriggerText(text)
  } catch (error) {
    throw new DataError(`${path} ${(error as Error).message}`, 'give a trigger file of voevent')
  }
}

import { readTriggerText, type TriggerContext } from '@nightpipe/alerts'
import { DataError } from '@nightpipe/files'
import { readText } from './find-descriptor.js'

/** Reads a trigger as `voevent` writes it: the INI (.dat) or its JSON twin. */
export function readTrigger(path: string): TriggerContext {
  try {
    return readTriggerText(readText(path))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new DataError(`${path} ${error.message}`, 'give a trigger file of voevent parse')
  }
}

import { join } from 'node:path'
import type { InputFile } from '@nightpipe/files'

export const productOf = (output: string, { stem }: InputFile) => join(output, `${stem}.fits`)

import { call } from '@nightpipe/testing'

/** The executable, as a person meets it. */
export function stacking(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = call('stacking', args)
  return { code: status, stdout, stderr }
}

import { call } from '@nightpipe/testing'

/** The executable, as a person meets it. */
export function alignment(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = call('alignment', args)
  return { code: status, stdout, stderr }
}

import { readProvenance } from '@nightpipe/command'
import { exampleOfStages } from './workspace.js'

/** A key that the two pipelines have with different values. */
export interface ConfigChange {
  stage: string
  /** section.key */
  key: string
  old?: string
  new?: string
}

/** What differs between the configurations in force of two pipelines, by what their products say. */
export function configChanges(before: string, after: string): ConfigChange[] {
  const [old, fresh] = [exampleOfStages(before), exampleOfStages(after)]
  const stages = [...new Set([...old.keys(), ...fresh.keys()])].sort()
  return stages.flatMap((stage): ConfigChange[] => {
    const [a, b] = [old.get(stage), fresh.get(stage)]
    if (!a || !b) return [{ stage, key: 'the stage itself', old: a ? 'on' : 'off', new: b ? 'on' : 'off' }]
    const [left, right] = [keysIn(a), keysIn(b)]
    const keys = [...new Set([...left.keys(), ...right.keys()])].filter((key) => left.get(key) !== right.get(key))
    return keys.map((key) => ({ stage, key, old: left.get(key), new: right.get(key) }))
  })
}

function keysIn(product: string): Map<string, string> {
  const { configText, version } = readProvenance(product)
  const found = new Map<string, string>([['version of nightpipe', version]])
  let section = ''
  for (const line of configText.split('\n')) {
    const head = /^\[(.*)\]$/.exec(line)?.[1]
    const pair = /^([^#=]+?) = (.*)$/.exec(line)
    if (head !== undefined) section = head
    else if (pair) found.set(`${section}.${pair[1]}`, pair[2]!)
  }
  return found
}

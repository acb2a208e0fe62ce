// Runs cases one after the other and tells the parent about each: which begins, and how it went.

import { cpuSeconds } from './cpu.js'
import { mutate, randomNumbers } from './mutate.js'
import { readAll } from './read-all.js'
import { ownSeeds, sharedSeeds } from './seeds.js'

const [seed, first, last] = process.argv.slice(2).map(Number) as [number, number, number]
const seeds = [...ownSeeds(), ...sharedSeeds()]

for (let k = first; k < last; k++) {
  const random = randomNumbers(seed * 1_000_003 + k)
  const { name, bytes } = seeds[Math.floor(random() * seeds.length)]!
  const mutated = mutate(bytes, random)
  process.send!({ begins: k, name })
  const start = cpuSeconds()
  let bug: string | undefined
  let good = false
  try {
    good = readAll(mutated)
  } catch (error) {
    bug = error instanceof Error ? error.stack : String(error)
  }
  const ms = 1000 * (cpuSeconds() - start)
  process.send!({ ends: k, name, good, bug, ms, maxRss: process.resourceUsage().maxRSS * 1024 })
  // The messages leave only when the loop is left.
  await new Promise((resolve) => setImmediate(resolve))
}
process.disconnect()

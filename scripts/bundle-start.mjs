// The start of every command, copied beside its bundle as main.mjs: runs main.cjs with the code that V8 made of it when it
// was built. Another version of Node than the one that built it refuses that code, and compiles for itself.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'

const folder = dirname(fileURLToPath(import.meta.url))
const filename = join(folder, 'main.cjs')
const script = new Script(readFileSync(filename, 'latin1'), {
  filename,
  cachedData: readFileSync(join(folder, 'main.cache')),
})
script.runInThisContext()(createRequire(filename), import.meta.url)

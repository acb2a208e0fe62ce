// The start of every command, copied beside its bundle as start.cjs: runs main.cjs with the code that V8 made of it when it
// was built. Another version of Node than the one that built it refuses that code, and compiles for itself. A module would
// take 8 ms longer to start, and so would every thread.
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')
const { Script } = require('node:vm')

const filename = join(__dirname, 'main.cjs')
const script = new Script(readFileSync(filename, 'latin1'), {
  filename,
  cachedData: readFileSync(join(__dirname, 'main.cache')),
})
script.runInThisContext()(require, pathToFileURL(__filename).href)

import { spawn, spawnSync } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'

const address = new URL('../src/write-out.js', import.meta.url).href
const LINES = 40000
const script = (first: string) => `
  import { writeOut } from ${JSON.stringify(address)}
  ${first}
  const lines = (name) => Array.from({ length: ${LINES} }, (_, k) => name + k + '\\n').join('')
  const both = [writeOut('stdout', lines('a')), writeOut('stdout', lines('b'))]
  await Promise.all(both)
  process.exit(0)`
const expected = ['a', 'b'].flatMap((name) => Array.from({ length: LINES }, (_, k) => `${name}${k}\n`)).join('')

for (const [what, first] of [
  ['a pipe', ''],
  ['a pipe that does not wait', 'process.stdout'],
]) {
  t.test(`whatever is written to ${what} arrives whole and in order, though its reader is slow`, async (t) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script(first!)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    await wait(300) // what the pipe holds is full by now
    let text = ''
    for await (const part of child.stdout) text += part
    t.ok(text === expected, `${text.length} characters of ${expected.length}`)
  })
}

t.test('that the reader went away is no error', async (t) => {
  const line = `'${process.execPath}' --input-type=module -e "$SCRIPT" | head -1; echo "\${PIPESTATUS[0]}"`
  const { stdout } = spawnSync('bash', ['-c', line], { encoding: 'utf8', env: { ...process.env, SCRIPT: script('') } })
  t.same(stdout.split('\n').slice(0, 2), ['a0', '0'])
})

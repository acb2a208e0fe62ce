import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const script = join(dirname(fileURLToPath(import.meta.url)), '..', 'update-golden.mjs')

t.test('the commands still make the outputs that are kept in fixtures/golden', async (t) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' })
  t.equal(status, 0, `${stdout}${stderr}`)
  t.match(stdout, /^[1-9]\d* cases, 0 differ$/m)
})

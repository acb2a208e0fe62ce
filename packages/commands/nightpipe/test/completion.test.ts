import { spawnSync } from 'node:child_process'
import { delimiter, dirname } from 'node:path'
import t from 'tap'
import { home, nightpipe } from './front-door.js'

const candidates = (...words: string[]) => {
  const [more, ...lines] = nightpipe(['complete', '--', ...words])
    .stdout.trimEnd()
    .split('\n')
  return { more, words: lines.map((line) => line.split('\t')[0]!) }
}

t.test('commands, verbs and their flags', async (t) => {
  t.same(candidates('nightpipe', 'redu').words, ['reduction'])
  t.same(candidates('nightpipe', 'wh').words, ['why'])
  t.same(candidates('nightpipe', 'why', '--fr').words, ['--from'])
  t.same(candidates('nightpipe', 'completion', '').words, ['bash', 'zsh', 'fish'])
  t.same(candidates('nightpipe', 'tables', '').words, ['check', 'show'])
  t.equal(candidates('nightpipe', 'why', '').more, 'files')
})

t.test('flags of a command, as itself and behind nightpipe', async (t) => {
  t.same(candidates('stack-calibrations', '--prin').words, ['--print-config'])
  t.same(candidates('nightpipe', 'stack-calibrations', '--prin').words, ['--print-config'])
  t.ok(candidates('stack-calibrations', '').words.includes('--output'))
})

t.test('keys of the configuration behind --set, and what a choice may be', async (t) => {
  t.same(candidates('stack-calibrations', '--set', 'combine.me').words, ['combine.method='])
  t.ok(candidates('stack-calibrations', '--set', 'combine.method=').words.includes('combine.method=median'))
  t.same(candidates('stack-calibrations', '--set', 'dark.scale=').words, ['dark.scale=yes', 'dark.scale=no'])
  t.same(candidates('stack-calibrations', '--log-format', 'j').words, ['json'])
})

t.test('the shell adds files where files are meant, and folders for the output', async (t) => {
  t.equal(candidates('stack-calibrations', '--input', 'a.fits', '').more, 'files')
  t.equal(candidates('stack-calibrations', '--config', '').more, 'files')
  t.equal(candidates('stack-calibrations', '--output', '').more, 'folders')
  t.equal(candidates('stack-calibrations', '-r', '').more, 'folders')
})

const absent = (name: string) => (spawnSync(name, ['-c', 'true']).status === 0 ? false : `${name} is not installed`)

/** What bash offers for a line, with the cursor at its end. */
function bash(line: string, cwd = home): string[] {
  const script = `source <(node "$HOME_OF/bin/nightpipe.js" completion bash)
    nightpipe() { node "$HOME_OF/bin/nightpipe.js" "$@"; }
    COMP_LINE=$1 COMP_POINT=\${#1}; _nightpipe 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`
  const env = { ...process.env, HOME_OF: home, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` }
  const { stdout } = spawnSync('bash', ['-c', script, 'bash', line], { encoding: 'utf8', cwd, env })
  return stdout.split('\n').filter(Boolean)
}

t.test(
  'in bash: sourced, it completes commands, flags, keys, values and files',
  { skip: absent('bash') },
  async (t) => {
    const folder = t.testdir({ 'night.ini': '', 'night one.ini': '', raw: {} })
    t.same(bash('nightpipe stack-c'), ['stack-calibrations'])
    t.same(bash('stack-calibrations --dry'), ['--dry-run'])
    t.same(bash('stack-calibrations --set combine.me'), ['combine.method='])
    t.same(
      bash('stack-calibrations --set combine.method=med'),
      ['median'],
      'what stands before = is on the line already',
    )
    t.same(bash('stack-calibrations --config ni', folder).sort(), ['night one.ini', 'night.ini'])
    t.same(bash('stack-calibrations --output ', folder), ['raw'])
  },
)

for (const name of ['zsh', 'fish'] as const) {
  t.test(`the script for ${name} is one that ${name} can read`, { skip: absent(name) }, async (t) => {
    const { stdout } = nightpipe(['completion', name])
    const { status, stderr } = spawnSync(name, name === 'zsh' ? ['-n'] : ['--no-execute'], {
      input: stdout,
      encoding: 'utf8',
    })
    t.equal(status, 0, stderr)
  })
}

t.test('a shell without a script is refused', async (t) => {
  t.match(nightpipe(['completion', 'tcsh']), {
    code: 2,
    stderr: /no script for 'tcsh' \(there are bash, zsh and fish\)/,
  })
})

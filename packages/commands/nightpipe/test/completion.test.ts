import { delimiter, dirname, join } from 'node:path'
import { finish, lacking, outside } from '@nightpipe/testing'
import t from 'tap'
import { candidatesFor } from '../src/candidates.js'
import { verbs } from '../src/verbs.js'
import { home, nightpipe } from './front-door.js'

const candidates = async (...words: string[]) => {
  const { more, candidates } = await candidatesFor(words, verbs)
  return { more, words: candidates.map(([word]) => word) }
}

t.test('the shells get what may follow first, then a candidate a line with its meaning', async (t) => {
  const { stdout } = nightpipe(['complete', '--', 'nightpipe', 'doc'])
  t.equal(stdout, 'words\ndoctor\tcheck this machine, and a folder to work in\n')
})

t.test('commands, verbs and their flags', async (t) => {
  t.same((await candidates('nightpipe', 'redu')).words, ['reduction'])
  t.same((await candidates('nightpipe', 'wh')).words, ['why'])
  t.same((await candidates('nightpipe', 'why', '--fr')).words, ['--from'])
  t.same((await candidates('nightpipe', 'completion', '')).words, ['bash', 'zsh', 'fish'])
  t.same((await candidates('nightpipe', 'tables', '')).words, ['check', 'show', 'choose'])
  t.equal((await candidates('nightpipe', 'why', '')).more, 'files')
})

t.test('flags of a command, as itself and behind nightpipe', async (t) => {
  t.same((await candidates('stack-calibrations', '--prin')).words, ['--print-config'])
  t.same((await candidates('nightpipe', 'stack-calibrations', '--prin')).words, ['--print-config'])
  t.ok((await candidates('stack-calibrations', '')).words.includes('--output'))
})

t.test('keys of the configuration behind --set, and what a choice may be', async (t) => {
  t.same((await candidates('stack-calibrations', '--set', 'combine.me')).words, ['combine.method='])
  t.ok((await candidates('stack-calibrations', '--set', 'combine.method=')).words.includes('combine.method=median'))
  t.same((await candidates('stack-calibrations', '--set', 'dark.scale=')).words, ['dark.scale=yes', 'dark.scale=no'])
  t.same((await candidates('stack-calibrations', '--log-format', 'j')).words, ['json'])
})

t.test('the shell adds files where files are meant, and folders for the output', async (t) => {
  t.equal((await candidates('stack-calibrations', '--input', 'a.fits', '')).more, 'files')
  t.equal((await candidates('stack-calibrations', '--config', '')).more, 'files')
  t.equal((await candidates('stack-calibrations', '--output', '')).more, 'folders')
  t.equal((await candidates('stack-calibrations', '-r', '')).more, 'folders')
})

/** What bash offers for a line, with the cursor at its end. */
function bash(line: string, cwd = home): string[] {
  const script = `source <(node "$HOME_OF/bin/nightpipe.js" completion bash)
    nightpipe() { node "$HOME_OF/bin/nightpipe.js" "$@"; }
    complete -p nightpipe reduction >/dev/null || exit
    COMP_LINE=$1 COMP_POINT=\${#1}; _nightpipe 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`
  const env = { ...process.env, HOME_OF: home, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` }
  const { stdout } = finish(outside('bash', '-c', script, 'bash', line), { cwd, env })
  return stdout.split('\n').filter(Boolean)
}

t.test(
  'in bash: sourced, it completes commands, flags, keys, values and files',
  { skip: lacking('bash') },
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

for (const [name, flag] of Object.entries({ zsh: '-n', fish: '--no-execute' })) {
  t.test(`the script for ${name} is one that ${name} can read`, { skip: lacking(name) }, async (t) => {
    const path = join(t.testdir({ script: nightpipe(['completion', name]).stdout }), 'script')
    const { status, stderr } = finish(outside(name, flag, path))
    t.equal(status, 0, stderr)
  })
}

t.test('a shell without a script is refused', async (t) => {
  t.match(nightpipe(['completion', 'tcsh']), {
    code: 2,
    stderr: /no script for 'tcsh' \(there are bash, zsh and fish\)/,
  })
})

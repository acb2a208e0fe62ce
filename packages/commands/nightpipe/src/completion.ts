import { ConfigError } from '@nightpipe/files'
import { executables } from './commands.js'
import { print } from './print.js'
import type { Verb } from './verb.js'

const SCRIPTS: Record<string, (names: readonly string[]) => string> = {
  // `=` and `:` part words in bash: what stands before the last of them is on the line already.
  bash: (names) => `_nightpipe() {
  local line=\${COMP_LINE:0:COMP_POINT} words more candidates
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  mapfile -t candidates < <(nightpipe complete -- "\${words[@]}" 2>/dev/null)
  more=\${candidates[0]}
  local typed=\${words[-1]} prefix=''
  [[ $typed == *[=:]* ]] && prefix=\${typed%"\${typed##*[=:]}"}
  COMPREPLY=()
  local candidate
  for candidate in "\${candidates[@]:1}"; do
    candidate=\${candidate%%$'\\t'*}
    COMPREPLY+=("\${candidate#"$prefix"}")
  done
  [[ \${#COMPREPLY[@]} == 1 && \${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
  if [[ $more == files ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "\${typed#"$prefix"}")
  elif [[ $more == folders ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "\${typed#"$prefix"}")
  fi
}
complete -F _nightpipe ${names.join(' ')}
`,
  zsh: (names) => `#compdef ${names.join(' ')}
_nightpipe() {
  local -a lines described open
  local line more word doc
  lines=("\${(@f)$(nightpipe complete -- "\${(@Q)words[1,CURRENT]}" 2>/dev/null)}")
  more=$lines[1]
  for line in "\${(@)lines[2,-1]}"; do
    word=\${line%%$'\\t'*} doc=\${line#*$'\\t'}
    if [[ $word == *= ]]; then open+=("\${word//:/\\\\:}:$doc"); else described+=("\${word//:/\\\\:}:$doc"); fi
  done
  (( $#described )) && _describe -t values value described
  (( $#open )) && _describe -t settings setting open -S ''
  [[ $more == files ]] && _files
  [[ $more == folders ]] && _files -/
}
(( $+functions[compdef] )) && compdef _nightpipe ${names.join(' ')}
`,
  fish: (names) => `function __nightpipe_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l lines (nightpipe complete -- $words 2>/dev/null)
  string join \\n -- $lines[2..-1]
  switch "$lines[1]"
    case files
      __fish_complete_path (commandline -ct)
    case folders
      __fish_complete_directories (commandline -ct)
  end
end
for name in ${names.join(' ')}
  complete -c $name -f -a '(__nightpipe_complete)'
end
`,
}

export const completion: Verb = {
  name: 'completion',
  usage: 'completion bash|zsh|fish',
  summary: 'a script that makes the shell complete commands, flags and configuration keys',
  description: `bash: nightpipe completion bash > ~/.local/share/bash-completion/completions/nightpipe
      (or, for all commands at once, in ~/.bashrc: source <(nightpipe completion bash))
zsh:  nightpipe completion zsh > a folder of $fpath, as _nightpipe
fish: nightpipe completion fish > ~/.config/fish/completions/nightpipe.fish`,
  flags: {},
  words: { least: 1, most: 1 },
  run({ words: [shell] }) {
    const script = SCRIPTS[shell!]
    if (!script) throw new ConfigError(`completion: no script for '${shell}'`, 'there are bash, zsh and fish')
    const names = ['nightpipe', ...executables().map(({ name }) => name)]
    print(script(names))
    return 0
  },
}

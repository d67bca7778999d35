// What a shell is told, so that it asks `aoe complete SHELL -- WORDS…` for what may stand at the end of a line. An
// answer is a value a line, with what it means behind a tab where the shell shows that; `:files` leaves it to the shell.

import { type Candidates, FILES } from "./complete.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

export const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `_aoe() {
  local answer
  COMPREPLY=()
  mapfile -t answer < <(aoe complete bash -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  case \${answer[0]-} in
    :files) compopt -o default ;;
    *[=:]) compopt -o nospace; COMPREPLY=("\${answer[@]}") ;;
    *) COMPREPLY=("\${answer[@]}") ;;
  esac
}
complete -F _aoe aoe
`,
  zsh: `#compdef aoe
_aoe() {
  local -a answer open
  answer=("\${(@f)$(aoe complete zsh -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ \${answer[1]} == :files ]]; then
    _files
  elif [[ \${answer[1]} == *[=:] || \${answer[1]} == *[=:]:* ]]; then
    _describe -V values answer -S ''
  elif [[ -n \${answer[1]} ]]; then
    _describe -V values answer
  fi
}
if [[ \${funcstack[1]} == _aoe ]]; then _aoe "$@"; else compdef _aoe aoe; fi
`,
  fish: `function __aoe_complete
  set -l answer (aoe complete fish -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)
  if test "$answer[1]" = :files
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $answer
  end
end
complete -c aoe -f -a '(__aoe_complete)'
`,
};

/** bash cuts words at `=` and `:`, as COMP_WORDBREAKS says; this puts them together again. */
export function joinWords(words: readonly string[]): string[] {
  const joined: string[] = [];
  let open = false;
  for (const word of words) {
    const mark = /^[=:]+$/.test(word);
    if (joined.length > 0 && (mark || open)) joined.push(`${joined.pop() ?? ""}${word}`);
    else joined.push(word);
    open = mark;
  }
  return joined;
}

/** The lines that a shell's script takes. `begun` is the word that it completes. */
export function answerFor(shell: Shell, candidates: Candidates, begun: string): string {
  if (candidates === FILES) return ":files\n";
  // bash replaces what is behind the last mark alone.
  const cut = Math.max(begun.lastIndexOf("="), begun.lastIndexOf(":")) + 1;
  const lines = candidates.map(({ value, about }) => {
    if (shell === "bash") return value.slice(cut);
    if (shell === "fish") return `${value}\t${about}`;
    return about === "" ? value.replaceAll(":", "\\:") : `${value.replaceAll(":", "\\:")}:${about}`;
  });
  return lines.map((line) => `${line}\n`).join("");
}

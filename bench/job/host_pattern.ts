// Several hosts in one text, as pdsh, Slurm and elbencho write them. A list in a job is an axis; a
// pattern is several hosts at once.
//
//   i[1-8]          i1 … i8              node[001-128]    node001 … node128
//   n[1,3-4]        n1, n3, n4           ini-[ab]         ini-a, ini-b: a letter each
//   t1,t2           t1, t2               r[1-2]n[1-2]     r1n1, r1n2, r2n1, r2n2

import { expected } from "../../words/failure.ts";
import type { OptionType } from "../../words/option.ts";

const MOST = 1024;
/** What may stand in a name that goes into a result, a command line and an option of ssh. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.@:-]*$/;

/** The names of a pattern, in its order. Throws the usage Failure that names `what`. */
export function expandPattern(pattern: string, what: string): readonly string[] {
  const names = pattern.split(/,(?![^[]*\])/).flatMap((one) => expandOne(one.trim(), what));
  const wrong = names.find((name) => !NAME.test(name));
  if (wrong !== undefined || names.length === 0) {
    throw expected(what, "names of hosts, or a pattern such as i[1-8]", pattern);
  }
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw expected(what, `names that differ (${twice} comes twice)`, pattern);
  return names;
}

function expandOne(text: string, what: string): string[] {
  const match = /^([^[\]]*)\[([^[\]]+)\](.*)$/s.exec(text);
  if (match === null) return [text];
  const [, before = "", inside = "", after = ""] = match;
  const ends = expandOne(after, what);
  const middles = inside.split(",").flatMap((part) => expandPart(part, text, what));
  if (middles.length * ends.length > MOST) throw expected(what, `at most ${MOST} hosts`, text);
  return middles.flatMap((middle) => ends.map((end) => `${before}${middle}${end}`));
}

/** `3`, `1-8`, or letters. */
function expandPart(part: string, text: string, what: string): string[] {
  if (/^\d+$/.test(part)) return [part];
  if (/^[A-Za-z]+$/.test(part)) return [...part];
  const [, first = "", last = ""] = /^(\d{1,9})-(\d{1,9})$/.exec(part) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (first === "" || from > to || to - from >= MOST) {
    throw expected(what, "a pattern with ranges such as [1-8] and letters such as [ab]", text);
  }
  return Array.from({ length: to - from + 1 }, (_, at) =>
    `${from + at}`.padStart(first.length, "0"),
  );
}

/** The value of a key that names hosts. */
export const hostNames: OptionType<readonly string[]> = { hint: "hosts", parse: expandPattern };

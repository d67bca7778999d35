// The name that was meant, where one was typed that is none.

/** Letters put in, left out, exchanged or turned with a neighbour: how many steps from one word to the other. */
function distance(a: string, b: string): number {
  let twoAgo: number[] = [];
  let before = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const now = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const turned = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      now[j] = Math.min(
        (before[j] ?? 0) + 1,
        (now[j - 1] ?? 0) + 1,
        (before[j - 1] ?? 0) + (same ? 0 : 1),
        turned ? (twoAgo[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    twoAgo = before;
    before = now;
  }
  return before[b.length] ?? 0;
}

/** Of `names` the one that `word` is most like, `-` and `_` and case aside; null: it is like none. */
export function nearest(word: string, names: readonly string[]): string | null {
  const plain = (text: string): string => text.toLowerCase().replaceAll("-", "_");
  const [first] = names
    .map((name) => ({ name, steps: distance(plain(word), plain(name)) }))
    .sort((a, b) => a.steps - b.steps);
  return first !== undefined && first.steps <= Math.max(1, word.length / 3) ? first.name : null;
}

/** `a key, got \`runtme\`: did you mean \`runtime\`?`, or with all names where it is like none. */
export function oneOfNames(what: string, names: readonly string[], word: string): string {
  const meant = nearest(word, names);
  return meant === null
    ? `${what} (${names.join(" ")}), got \`${word}\``
    : `${what}, got \`${word}\`: did you mean \`${meant}\`?`;
}

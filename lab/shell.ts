// What is handed to a shell.

/** A command line in which a shell finds the same words again. */
export function shellLine(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
}

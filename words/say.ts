// Sentences for people, on standard error: printable, whatever they quote.

import { printable } from "./printable.ts";

export function say(sentence: string): void {
  process.stderr.write(`${printable(sentence)}\n`);
}

/** What says a command's sentences, each after its name. */
export function sayAs(command: string): (sentence: string) => void {
  return (sentence) => say(`${command}: ${sentence}`);
}

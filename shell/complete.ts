// What may stand at the end of a command line: of the words before it, and of the one that is begun.
//
//   bench run --link r│       →  ring            (a value that can be listed)
//   bench load e7.3 --int│    →  --interface
//   bench run │               →  FILES           (the shell's own matter)

import type { Completion } from "../words/command_options.ts";

export interface Candidate {
  /** One that ends in `=` goes on. */
  readonly value: string;
  readonly about: string;
}

/** Names of files: the shell completes them. */
export const FILES = "files";

export type Candidates = readonly Candidate[] | typeof FILES;

/** What values a name stands for: of an option (`--interface`) or an argument (`device`), and its hint. */
export type Values = (name: string, hint: string) => Candidates | Promise<Candidates>;

type Node = Completion;
type NodeOption = Node["options"][number];

interface Place {
  readonly node: Node;
  /** Arguments of the command before this place. */
  readonly arguments: number;
  /** The option whose value is begun. */
  readonly option: NodeOption | null;
  /** Behind `--`, or in another program's command line. */
  readonly over: boolean;
}

/** Where the last of `words` stands. */
function placeOf(root: Node, words: readonly string[]): Place {
  let node = root;
  let given = 0;
  let option: NodeOption | null = null;
  for (const word of words.slice(0, -1)) {
    if (option !== null) {
      option = null;
      continue;
    }
    if (word === "--") return { node, arguments: given, option, over: true };
    if (word.startsWith("-")) {
      const named = node.options.find(({ flags }) => flags.includes(word));
      option = named === undefined || named.hint === "" ? null : named;
      continue;
    }
    const child = node.commands.find(({ name }) => name === word);
    if (child !== undefined && given === 0) node = child;
    else given++;
  }
  return { node, arguments: given, option, over: false };
}

/** `words`: behind `aoe`; the last one is begun, or empty. */
export async function complete(
  root: Node,
  words: readonly string[],
  values: Values,
): Promise<Candidates> {
  const begun = words.at(-1) ?? "";
  const place = placeOf(root, words);
  if (place.over) return FILES;
  const found = await candidatesAt(place, begun, values);
  return found === FILES ? FILES : found.filter(({ value }) => value.startsWith(begun));
}

async function candidatesAt(place: Place, begun: string, values: Values): Promise<Candidates> {
  const { node, option } = place;
  if (option !== null) {
    if (option.choices.length > 0) return option.choices.map((value) => ({ value, about: "" }));
    return values(option.flags.at(-1) ?? "", option.hint);
  }
  if (begun.startsWith("-")) {
    return node.options.flatMap(({ flags, help }) =>
      flags.map((value) => ({ value, about: help })),
    );
  }
  const commands = node.commands.map(({ name, help }) => ({ value: name, about: help }));
  const argument = node.arguments[Math.min(place.arguments, node.arguments.length - 1)];
  if (argument === undefined) return commands;
  if (argument.choices.length > 0) {
    return argument.choices.map((value) => ({ value, about: "" }));
  }
  const own = await values(argument.name, argument.name);
  if (own === FILES) return commands.length > 0 && begun === "" ? commands : FILES;
  return [...commands, ...own];
}

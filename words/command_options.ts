// A table of options (option.ts) on a command line, by commander; and what a shell's completion needs of a command.

import { type Command, Option } from "commander";
import { dashed, helpOf, type OptionRow, type OptionTable } from "./option.ts";

/** `-i, --interface <if>`. */
export function optionFlags(name: string, row: OptionRow): string {
  const hint = row.unit ?? row.type.hint;
  const short = row.short === undefined ? "" : `-${row.short}, `;
  return `${short}${dashed(name)}${hint === "" ? "" : ` <${hint}>`}`;
}

class TableOption extends Option {
  readonly row: OptionRow;

  constructor(name: string, row: OptionRow) {
    super(optionFlags(name, row), helpOf(row));
    this.row = row;
    if (row.many === true) {
      this.argParser((text, before: readonly string[] | undefined) => [...(before ?? []), text]);
    }
  }
}

/** Texts stay texts: who acts on them parses the table. */
export function addOptions(command: Command, table: OptionTable): Command {
  for (const [name, row] of Object.entries(table)) command.addOption(new TableOption(name, row));
  return command;
}

/** What may stand on a command's line; values that can't be listed have a hint: `duration`, `file`, `if`. */
export interface Completion {
  readonly name: string;
  readonly help: string;
  readonly arguments: readonly { readonly name: string; readonly choices: readonly string[] }[];
  readonly options: readonly {
    readonly flags: readonly string[];
    readonly hint: string;
    readonly choices: readonly string[];
    readonly help: string;
  }[];
  readonly commands: readonly Completion[];
}

/** Of a command and all below it, for a shell. */
export function completionOf(command: Command): Completion {
  return {
    name: command.name(),
    help: command.summary() || command.description(),
    arguments: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      choices: argument.argChoices ?? [],
    })),
    options: command.options
      .filter(({ hidden }) => !hidden)
      .map((option) => {
        const choices = option instanceof TableOption ? option.row.type.choices : option.argChoices;
        const [, hint = ""] = /[<[](.*)[>\]]/.exec(option.flags) ?? [];
        return {
          flags: [option.short, option.long].filter((flag) => flag !== undefined),
          hint,
          choices: hint === "" ? [] : (choices ?? []),
          help: option.description,
        };
      }),
    commands: [...command.createHelp().visibleCommands(command)].map(completionOf),
  };
}

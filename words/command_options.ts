// A table of options (option.ts) on a command line, by commander; and what a shell's completion needs of a command.

import { type Command, Option } from "commander";
import { dashed, helpOf, type OptionRow, type OptionTable } from "./option.ts";

class TableOption extends Option {
  readonly row: OptionRow;

  constructor(name: string, row: OptionRow) {
    const hint = row.unit ?? row.type.hint;
    const short = row.short === undefined ? "" : `-${row.short}, `;
    super(`${short}${dashed(name)}${hint === "" ? "" : ` <${hint}>`}`, helpOf(row));
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

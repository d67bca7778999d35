// The command line of an experiment: its own options, and what all of them have. What it does is loaded when it is
// named.

import { Command } from "commander";
import { addOptions } from "../../words/command_options.ts";
import type { OptionTable } from "../../words/option.ts";

type Action = (files: readonly string[], flags: Record<string, unknown>) => Promise<number>;

export function experimentCommand(
  name: string,
  description: string,
  options: OptionTable,
  help: string,
  load: () => Promise<Action>,
): Command {
  const command = new Command(name)
    .description(description)
    .argument("[results...]", "show results of earlier runs as one, and measure nothing");
  return addOptions(command, options)
    .option("--json", "the result on stdout")
    .option("--markdown", "tables for a page in place of a terminal's")
    .option("-o, --output <file>", "write the result to a file")
    .addHelpText("after", help)
    .action(async (files: string[], flags: Record<string, unknown>) => {
      process.exitCode = await (await load())(files, flags);
    });
}

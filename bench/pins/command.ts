// `aoe bench pins` on the command line.

import { Command } from "commander";
import { addOptions } from "../../words/command_options.ts";
import type { RawOptions } from "../../words/option.ts";
import type { OutputFlags } from "../machine/output.ts";
import { PINS_OPTIONS } from "./pins_options.ts";

export function pinsCommand(): Command {
  const pins = new Command("pins")
    .description(
      "measure how late an interface releases transmit buffers, and what that asks of a pool",
    )
    .argument("<interface>", "where the frames leave: eth1");
  return addOptions(pins, PINS_OPTIONS)
    .option("--json", "the result on stdout")
    .option("-o, --output <file>", "write the result to a file, which --reclaim fit:FILE reads")
    .addHelpText(
      "after",
      `
Sends AoE config queries on an idle line, at a steady rate and in bursts, by default to an address
that nobody has, and watches when their buffers come back. The release times give a reclaim model.

Examples:
  aoe bench pins eth1 -o pins.json
  aoe bench load e7.3 --interface eth1 --reclaim fit:pins.json
  aoe bench pins eth1 --tx-usecs 0,50,250`,
    )
    .action(async (name: string, flags: RawOptions<typeof PINS_OPTIONS> & OutputFlags) => {
      const { pinsAction } = await import("./pins_action.ts");
      process.exitCode = await pinsAction(name, flags);
    });
}

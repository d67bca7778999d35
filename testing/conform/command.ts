// `aoe bench conform` and its options; the suite is loaded when it runs.

import { Command } from "commander";

import type { ConformFlags } from "./conform_action.ts";

export function conformCommand(): Command {
  return new Command("conform")
    .description("try a target against the protocol's rules, P1 to P34; it WRITES to the export")
    .argument("<address>", "which device: e7.3, a scratch export")
    .requiredOption("--interface <name>", "where it is reached, in a lab")
    .option("--yes-scratch", "nothing on the export is needed any more")
    .option("--alone", "no other target on this network matters: send changes to every address too")
    .option("--past-end", "write a sector behind the end, which some targets carry out")
    .option("--json", "one JSON document on stdout, with every sentence")
    .option("--markdown <name>", "a table for a document; the name heads its column")
    .option("--capture <file>", "write every frame to a pcap file")
    .option(
      "--wait <duration>",
      "until a device that does not answer is given up (5s); a target that is started meanwhile is heard announcing itself",
    )
    .option("--answer <duration>", "until an answer that is due is missing (500ms)")
    .option("--silence <duration>", "until silence is silence (50ms)")
    .addHelpText(
      "after",
      `
Where another address answers too, no change is sent to every address unless --alone is given.
Frames leave with several source addresses, so the interface is made promiscuous while the suite runs.
Exit code: 0 when no rule differs, 1 when some do. The rules: docs/conformance.md

Example:
  aoe bench conform e7.3 --interface eth1 --yes-scratch --capture conform.pcap`,
    )
    .action(async (address: string, flags: ConformFlags) => {
      const { conformAction } = await import("./conform_action.ts");
      process.exitCode = await conformAction(address, flags);
    });
}

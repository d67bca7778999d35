// `aoe bench conform` and its options; the suite is loaded when it runs.

import { Command } from "commander";

import type { ConformFlags } from "./conform_action.ts";

export function conformCommand(): Command {
  return new Command("conform")
    .description("test a target against the protocol's rules, P1 to P34; it WRITES to the export")
    .argument("<address>", "address of a scratch export, such as e7.3")
    .requiredOption("--interface <name>", "interface on which it is reached, in a lab")
    .option("--yes-scratch", "the data on the export may be destroyed")
    .option(
      "--alone",
      "no other target on this network matters: send changes to wildcard addresses",
    )
    .option("--past-end", "write a sector behind the end, which some targets execute")
    .option("--json", "one JSON document on stdout, with every sentence")
    .option("--markdown <name>", "a table for a document; the name heads its column")
    .option("--capture <file>", "write every frame to a pcap file")
    .option(
      "--wait <duration>",
      "how long to wait for the device (default 5s); P11 needs the announcement of a target that starts meanwhile",
    )
    .option("--answer <duration>", "how long an answer may take (default 500ms)")
    .option(
      "--silence <duration>",
      "how long no frame must arrive to count as silence (default 50ms)",
    )
    .addHelpText(
      "after",
      `
If other targets answer, changes go to wildcard addresses only with --alone. Frames leave with several source
addresses, so the interface is in promiscuous mode while the suite runs.
Exit code: 0 when no rule differs, 1 when some do. The rules: docs/conformance.md

Example:
  aoe bench conform e7.3 --interface eth1 --yes-scratch --capture conform.pcap`,
    )
    .action(async (address: string, flags: ConformFlags) => {
      const { conformAction } = await import("./conform_action.ts");
      process.exitCode = await conformAction(address, flags);
    });
}

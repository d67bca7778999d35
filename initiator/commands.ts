// `aoe initiator`: one subcommand a file, in commands/.

import { Command } from "commander";

import { configCommand } from "./commands/config.ts";
import { copyCommand } from "./commands/copy.ts";
import { discoverCommand } from "./commands/discover.ts";
import { infoCommand } from "./commands/info.ts";
import { maskCommand } from "./commands/mask.ts";
import { nbdCommand } from "./nbd/command.ts";
import { pathCommand } from "./commands/path.ts";
import { pingCommand } from "./commands/ping.ts";
import { readCommand } from "./commands/read.ts";
import { reserveCommand } from "./commands/reserve.ts";
import { verifyCommand } from "./commands/verify.ts";
import { writeCommand } from "./commands/write.ts";

export function initiatorCommand(): Command {
  return new Command("initiator")
    .addHelpText(
      "after",
      `
Examples:
  aoe initiator discover --interface eth1
  aoe initiator read e7.3 -o disk.img --interface eth1`,
    )
    .description("Discover, read, write, copy and manage AoE devices")
    .helpCommand(false)
    .addCommand(discoverCommand())
    .addCommand(infoCommand())
    .addCommand(readCommand())
    .addCommand(writeCommand())
    .addCommand(copyCommand())
    .addCommand(verifyCommand())
    .addCommand(pingCommand())
    .addCommand(pathCommand())
    .addCommand(configCommand())
    .addCommand(maskCommand())
    .addCommand(reserveCommand())
    .addCommand(nbdCommand());
}

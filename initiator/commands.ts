// `aoe initiator`: one subcommand a file, in commands/.

import { Command } from "commander";

import { discoverCommand } from "./commands/discover.ts";
import { infoCommand } from "./commands/info.ts";
import { nbdCommand } from "./commands/nbd.ts";
import { readCommand } from "./commands/read.ts";
import { verifyCommand } from "./commands/verify.ts";
import { writeCommand } from "./commands/write.ts";

export function initiatorCommand(): Command {
  return new Command("initiator")
    .description("Discover, read, write and verify devices that AoE targets serve")
    .helpCommand(false)
    .addCommand(discoverCommand())
    .addCommand(infoCommand())
    .addCommand(readCommand())
    .addCommand(writeCommand())
    .addCommand(verifyCommand())
    .addCommand(nbdCommand());
}

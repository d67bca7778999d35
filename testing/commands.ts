// The subcommands of `aoe bench` that try the program itself, or another's target: sim, conform, fuzz, soak, faults.
// They stand beside the bench in help; what they do is loaded when they are named.

import type { Command } from "commander";
import { conformCommand } from "./conform/command.ts";
import { fuzzCommand } from "./fuzz/command.ts";
import { faultRunCommand } from "./sim/lossy_run_command.ts";
import { simCommand } from "./sim/command.ts";
import { soakCommand } from "./soak/command.ts";

export function testingCommands(): Command[] {
  return [conformCommand(), fuzzCommand(), faultRunCommand(), soakCommand(), simCommand()];
}

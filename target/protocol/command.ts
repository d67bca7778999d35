// What every command tells about itself before it is run: the length of its headers, its own length, and whether it
// changes something.

import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import * as mask from "../../wire/mask.ts";
import * as reserve from "../../wire/reserve.ts";
import * as ataCommands from "./ata_commands.ts";
import * as configCommands from "./config_commands.ts";
import * as maskCommands from "./mask_commands.ts";
import * as reserveCommands from "./reserve_commands.ts";

/** P30: a command's fixed header, the headers before it included. */
export function headerLength(command: number): number {
  switch (command) {
    case aoe.COMMAND_ATA:
      return ata.LENGTH;
    case aoe.COMMAND_CONFIG:
      return config.LENGTH;
    case aoe.COMMAND_MASK:
      return mask.LENGTH;
    default:
      return reserve.LENGTH;
  }
}

export function changesSomething(command: number, view: DataView, base: number): boolean {
  switch (command) {
    case aoe.COMMAND_ATA:
      return ataCommands.writes(ata.command(view, base));
    case aoe.COMMAND_CONFIG:
      return configCommands.changes(view, base);
    case aoe.COMMAND_MASK:
      return maskCommands.changes(view, base);
    default:
      return reserveCommands.changes(view, base);
  }
}

/** P18: what the headers say, without padding. */
export function requestLength(
  command: number,
  view: DataView,
  base: number,
  length: number,
): number {
  switch (command) {
    case aoe.COMMAND_ATA:
      return ataCommands.requestLength(view, base, length);
    case aoe.COMMAND_CONFIG:
      return configCommands.requestLength(view, base, length);
    case aoe.COMMAND_MASK:
      return maskCommands.requestLength(view, base, length);
    default:
      return reserveCommands.requestLength(view, base, length);
  }
}

// Commands that say themselves what their request carries: AoE's own, and probes of what a path carries.
//
//   memory   [ 24 bytes for an Ethernet and AoE header | what follows it: the request, then the answer ]
//
// The room in front lets the codec of wire/ read the answer as the frame that it was.

import type { Memory } from "../../link/link.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import { Command } from "./command.ts";
import type { Facts } from "./facts.ts";
import { CONTROL } from "./operation.ts";

/** Of the longest answer: 255 directives of 8 bytes, or a jumbo frame. */
const ROOM = 16_384;
/** The room in front. */
export const HEAD = aoe.LENGTH;

/** A command whose request `fill` writes, at HEAD, into memory that takes the answer too. */
export function controlCommand(
  aoeCommand: number,
  length: number,
  fill: (view: DataView) => void,
): Command & { readonly memory: Memory } {
  const bytes = new Uint8Array(Math.max(HEAD + ROOM, length));
  const view = new DataView(bytes.buffer);
  fill(view);
  const command = new Command();
  command.operation = CONTROL;
  command.aoeCommand = aoeCommand;
  command.length = length - HEAD;
  command.offset = HEAD;
  return Object.assign(command, { memory: { bytes, view, address: 0 } });
}

/** IDENTIFY in a frame of `length` bytes: what follows its headers a target tolerates (P18). */
export function paddedIdentify(length: number): Command {
  return controlCommand(aoe.COMMAND_ATA, length, (view) => {
    ata.write(view, 0, 0, 0, 1, ata.IDENTIFY, ata.LBA_MODE);
  });
}

/** READ of the first sectors. */
export function readOfStart({ opcodes }: Facts, sectors: number): Command {
  return controlCommand(aoe.COMMAND_ATA, ata.LENGTH, (view) => {
    if (opcodes.lba48) ata.write(view, 0, ata.FLAG_EXTENDED, 0, sectors, ata.READ_EXT, 0);
    else ata.write(view, 0, 0, 0, sectors, ata.READ, ata.LBA_MODE);
  });
}

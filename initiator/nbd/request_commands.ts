// What commands a request becomes, one after another in its one Command:
//
//   read          READ
//   write         WRITE, and FLUSH where it has FUA
//   flush         FLUSH
//   write zeroes  WRITE of as much as there are zeroes, again until its end, and FLUSH where it has FUA
//
// A request ends with the first command that ends badly.

import type { Memory } from "../../link/link.ts";
import { SECTOR } from "../../wire/ata.ts";
import { DATA_AT } from "./buffers.ts";
import { CMD_FLUSH, CMD_READ, CMD_WRITE, CMD_WRITE_ZEROES } from "./protocol.ts";
import { memoryOf, type Slot } from "./slot.ts";
import { FLUSH, READ, WRITE } from "../protocol/operation.ts";

/** Fills the slot's command with its first; `zeroes`: memory that nobody writes to. */
export function firstCommand(slot: Slot, zeroes: Memory): void {
  const { command } = slot;
  command.lba = slot.offset / SECTOR;
  command.sectors = slot.length / SECTOR;
  command.offset = DATA_AT;
  switch (slot.type) {
    case CMD_READ:
      command.operation = READ;
      command.memory = memoryOf(slot);
      break;
    case CMD_WRITE:
      command.operation = WRITE;
      command.memory = memoryOf(slot);
      break;
    case CMD_FLUSH:
      flush(slot);
      break;
    default:
      slot.progress = 0;
      zero(slot, zeroes);
  }
}

/** After a command that ended well: fills in the next one; false: there is none. */
export function nextCommand(slot: Slot, zeroes: Memory): boolean {
  const { command } = slot;
  if (slot.type === CMD_WRITE_ZEROES && command.operation === WRITE) {
    slot.progress += command.sectors * SECTOR;
    if (slot.progress < slot.length) {
      zero(slot, zeroes);
      return true;
    }
  }
  if (!slot.fua || command.operation !== WRITE) return false;
  flush(slot);
  return true;
}

function zero(slot: Slot, zeroes: Memory): void {
  const { command } = slot;
  command.operation = WRITE;
  command.memory = zeroes;
  command.offset = 0;
  command.lba = (slot.offset + slot.progress) / SECTOR;
  command.sectors = Math.min(slot.length - slot.progress, zeroes.bytes.length) / SECTOR;
}

function flush(slot: Slot): void {
  const { command } = slot;
  command.operation = FLUSH;
  command.memory = null;
  command.lba = 0;
  command.sectors = 0;
}

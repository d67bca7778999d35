// One outstanding frame: what is remembered of it until its answer comes, and how it is written.
//
//              ┌────────────── answered, failed, given up ─────────────┐
//   free ──▶ in flight ──(RTO)──▶ waiting ──(room in the window)──▶ in flight
//
// A frame keeps its buffer and its tag from its first transmit to its end; a retransmit sends the
// same bytes again. `waiting` frames no longer count as in the network (Linux: rexmitq), but an answer
// that comes after all is taken. A frame whose command has ended before it (a sibling failed, the caller
// withdrew) has no command: it is never sent again and only waits for its answer or its RTO.

import { copyMemory } from "../../link/copy_memory.ts";
import type { FrameView, TxBuffer } from "../../link/link.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as ethernet from "../../wire/ethernet.ts";
import type { Mac } from "../../wire/mac.ts";
import type { Command } from "./command.ts";
import type { Facts } from "./facts.ts";
import type { Bar } from "./holdback.ts";
import type { Path } from "./path.ts";
import type { Pool } from "../pool/pool.ts";
import type { PortState } from "./port.ts";
import { CONTROL, FLUSH, IDENTIFY, READ, WRITE } from "./operation.ts";

export const FREE = 0;
export const IN_FLIGHT = 1;
export const WAITING = 2;
/** Answered, and its buffer is still the link's: its command waits for that, too (pool `both`). */
export const SETTLING = 3;
/** `device` of a frame that is none's. */
export const NO_DEVICE = -1;

export interface Asker {
  /** A frame with the tag came by `port` from `source`. */
  answered(port: PortState, source: Mac, frame: FrameView): void;
}

export class Frame {
  /** Dense over the initiator: handle of its deadline, slot of its tag. */
  readonly index: number;
  state = FREE;
  /** Index of the device whose it is. */
  device = NO_DEVICE;
  /** In place of `device`: who asks beside the queue, and needs no more of the frame than its tag (proofs.ts). */
  asker: Asker | null = null;
  command: Command | null = null;
  path: Path | null = null;
  buffer: TxBuffer | null = null;
  /** Whose `buffer` is. */
  pool: Pool | null = null;
  /** 0: none. */
  tag = 0;
  operation = READ;
  aoeCommand = 0;
  lba = 0;
  sectors = 0;
  /** Of its data in the command's memory. */
  offset = 0;
  /** Bytes to transmit. */
  length = 0;
  /** When it was made: its command's timeout counts from here. */
  since = 0;
  lastSentAt = 0;
  transmits = 0;
  /** Of the path's transmits, its last one. */
  sequence = 0;
  /** The doubling that it was last sent with. */
  shift = 0;
  /** Kept from being sent again by an overlapping write, and counted so. */
  barred = false;
  /** What it bars (holdback.ts), from its first retransmit on. */
  bar: Bar | null = null;
  before: Frame | null = null;
  after: Frame | null = null;

  constructor(index: number) {
    this.index = index;
  }
}

/** Frames in the order in which they came into a state, linked through themselves. */
export class FrameList {
  first: Frame | null = null;
  last: Frame | null = null;
  size = 0;

  push(frame: Frame): void {
    frame.before = this.last;
    frame.after = null;
    if (this.last === null) this.first = frame;
    else this.last.after = frame;
    this.last = frame;
    this.size++;
  }

  remove(frame: Frame): void {
    if (frame.before === null) this.first = frame.after;
    else frame.before.after = frame.after;
    if (frame.after === null) this.last = frame.before;
    else frame.after.before = frame.before;
    frame.before = null;
    frame.after = null;
    this.size--;
  }
}

/** Bytes of the answer's data that the frame asks for (P18: only the request can tell). */
export function answerBytes(frame: Frame): number {
  if (frame.operation === READ) return frame.sectors * ata.SECTOR;
  return frame.operation === IDENTIFY ? ata.SECTOR : 0;
}

/** Whether the frame's extent goes by 48 bits: where the target can, or where 28 would not do. */
export function isExtended(frame: Frame, { opcodes }: Facts): boolean {
  return opcodes.lba48 || frame.lba + frame.sectors > 0x1000_0000;
}

/**
 * Writes the whole request into the frame's buffer, which nobody else holds, and sets `length`.
 * Reads the command's memory, which is ours until the command ends.
 */
export function writeRequest(frame: Frame, command: Command, facts: Facts): void {
  const buffer = frame.buffer as TxBuffer;
  const path = frame.path as Path;
  const { view } = buffer;
  ethernet.write(view, 0, path.target, path.port.link.mac);
  aoe.write(view, 0, 0, 0, facts.major, facts.minor, frame.aoeCommand, frame.tag);
  let length: number;
  if (frame.operation === CONTROL) {
    length = aoe.LENGTH + command.length;
    if (command.memory !== null && command.length > 0) {
      copyMemory(command.memory, command.offset, buffer, aoe.LENGTH, command.length);
    }
  } else {
    length = writeAta(frame, command, buffer, facts);
  }
  frame.length = ethernet.pad(view, 0, length);
}

function writeAta(frame: Frame, command: Command, buffer: TxBuffer, facts: Facts): number {
  const { view } = buffer;
  const lba48 = isExtended(frame, facts);
  const extended = lba48 ? ata.FLAG_EXTENDED : 0;
  // LBA28 addresses need the LBA mode bit of the device register: lba3 is that register (P21).
  const lba = lba48 ? frame.lba : frame.lba + ata.LBA_MODE;
  switch (frame.operation) {
    case READ: {
      const opcode = lba48 ? ata.READ_EXT : ata.READ;
      ata.write(view, 0, extended, 0, frame.sectors, opcode, lba);
      return ata.LENGTH;
    }
    case WRITE: {
      const opcode = lba48 ? ata.WRITE_EXT : ata.WRITE;
      ata.write(view, 0, extended | ata.FLAG_WRITE, 0, frame.sectors, opcode, lba);
      const bytes = frame.sectors * ata.SECTOR;
      if (command.memory === null) throw new Error("invariant: a write has memory");
      copyMemory(command.memory, frame.offset, buffer, ata.LENGTH, bytes);
      return ata.LENGTH + bytes;
    }
    case FLUSH:
      if (facts.opcodes.flushExtended) {
        ata.write(view, 0, ata.FLAG_EXTENDED, 0, 0, ata.FLUSH_EXT, 0);
      } else {
        ata.write(view, 0, 0, 0, 0, ata.FLUSH, 0);
      }
      return ata.LENGTH;
    case IDENTIFY:
      return ata.writeIdentify(view, 0);
    default:
      throw new Error(`invariant: operation ${frame.operation}`);
  }
}

// One request of a caller to a device: made once by its caller, used again for every request.
//
// The caller fills the upper half and submits; the device fills the lower half and calls `done`,
// exactly once per submit. A request larger than a frame is split by the device and still ends once.
// The memory is the caller's again when `done` is called: a write's payload has been copied by then
// into the transmit buffer, which may still be pinned.

import type { Memory } from "../../link/link.ts";
import { SECTOR } from "../../wire/ata.ts";
import type { Path } from "./path.ts";
import { READ, isTransfer } from "./operation.ts";

/** How a command ended. */
export const OK = 0;
/** The target answered with an ATA status that is a failure: `ataStatus`, `ataError`, `failedLba`. */
export const ATA_ERROR = 1;
/** The target answered with the AoE error flag: `aoeError`. */
export const AOE_ERROR = 2;
/** No answer within the request timeout. */
export const TIMEOUT = 3;
/** Withdrawn by the caller, or the device was closed. */
export const CANCELLED = 4;
/** The caller's memory was detached, or made smaller, while it was ours. */
export const MEMORY_LOST = 5;
/** Another disk answers at the device's address now. */
export const OTHER_DISK = 6;

export class Command {
  // The caller's half.
  operation = READ;
  /** First sector. */
  lba = 0;
  /** Sectors of 512 bytes; any number, 0 for FLUSH. */
  sectors = 0;
  /**
   * Where read data go and write data come from, from `offset` on; null where there are none.
   * CONTROL: what follows the AoE header of the request, and then that of the answer.
   */
  memory: Memory | null = null;
  offset = 0;
  /** CONTROL: the AoE command, and the bytes of the request behind the AoE header. */
  aoeCommand = 0;
  length = 0;
  /** ns until it ends with TIMEOUT; 0: the device's own. */
  timeout = 0;
  /** The one path that its frames may take; null: any. */
  path: Path | null = null;
  /** It finds out what a path carries: a time-out of it is no failure, and counted as none. */
  isProbe = false;
  /** One function shared by all commands of a workload: no closure per command. */
  done: (command: Command) => void = ignore;
  /** The caller's own number for it. */
  cookie = 0;
  /** When it was due (open loop), ns; the caller sets it, the device leaves it. */
  dueAt = 0;

  // The device's half; times in ns of the loop's clock.
  outcome = OK;
  ataStatus = 0;
  ataError = 0;
  failedLba = 0;
  aoeError = 0;
  /** CONTROL: bytes of the answer behind the AoE header, padding included; what had no room in `memory` is cut. */
  answerLength = 0;
  submittedAt = 0;
  /** When its first frame had a buffer. `bufferedAt − submittedAt` is hold-back, window wait and buffer wait. */
  bufferedAt = 0;
  /** Of that, ns spent with room in the window and no buffer: the figure under test. */
  bufferWait = 0;
  /** Time spent held back for a late copy of an overlapping write, ns (holdback.ts). */
  heldBack = 0;
  /** Of that, before `bufferedAt`: a later frame of it may be held back too. */
  heldBefore = 0;
  /** When its first frame went to the link. */
  sentAt = 0;
  doneAt = 0;
  /** Frames sent for it, retransmits included. */
  transmits = 0;

  /** Answers with too few bytes of data: how many, what the last one had, and what its frame had asked for. */
  shortAnswers = 0;
  shortBytes = 0;
  wantedBytes = 0;
  /** Answers that contradict their requests. */
  contradictions = 0;

  // The device's own while it has the command.
  /** Between submit and `done`. */
  busy = false;
  /** Sectors that frames have been made for; FLUSH and its like count as one. */
  issued = 0;
  /** Frames made for it that have not ended. */
  frames = 0;
  /** Since when it is held back, ns; -1: it is not. */
  heldSince = -1;
  next: Command | null = null;
}

/** The device has `command` from now on, and nothing has become of it yet. */
export function begin(command: Command, now: number): void {
  command.busy = true;
  command.outcome = OK;
  command.ataStatus = 0;
  command.ataError = 0;
  command.failedLba = 0;
  command.aoeError = 0;
  command.answerLength = 0;
  command.submittedAt = now;
  command.bufferedAt = 0;
  command.bufferWait = 0;
  command.heldBack = 0;
  command.heldBefore = 0;
  command.sentAt = 0;
  command.doneAt = 0;
  command.transmits = 0;
  command.shortAnswers = 0;
  command.contradictions = 0;
  command.issued = 0;
  command.frames = 0;
  command.heldSince = -1;
}

/** What of a command frames are made of: sectors, or one for what has no extent. */
export function units(command: Command): number {
  return isTransfer(command.operation) ? command.sectors : 1;
}

/** Whether the command's memory no longer reaches as far as its data. A program can take an ArrayBuffer away. */
export function hasLostMemory(command: Command): boolean {
  if (!isTransfer(command.operation)) return false;
  const { memory, offset, sectors } = command;
  return memory !== null && memory.bytes.length < offset + sectors * SECTOR;
}

function ignore(_command: Command): void {}

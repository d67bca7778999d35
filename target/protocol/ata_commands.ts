// The ATA commands that an export answers (P14–P16, P21–P26): what is wrong with a request, what the
// store does for it, and the answer's registers.

import type { FrameView, Memory } from "../../link/link.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import { copyMemory } from "../../link/copy_memory.ts";
import type { Export } from "./export.ts";
import * as outcomes from "../outcome.ts";
import { type Outcome, UNDECIDED } from "../outcome.ts";
import { DONE, PENDING, WOULD_WAIT } from "../stores/store.ts";
import type { Request } from "./port.ts";

export const OK: Outcome = outcomes.registers(ata.STATUS_DRDY, 0);
const FAILED = ata.STATUS_ERR | ata.STATUS_DRDY;
const ABRT: Outcome = outcomes.registers(FAILED, ata.ERROR_ABRT);
const IDNF: Outcome = outcomes.registers(FAILED, ata.ERROR_IDNF);
const UNC: Outcome = outcomes.registers(FAILED, ata.ERROR_UNC);

const KNOWN_FLAGS = ata.FLAG_EXTENDED | ata.FLAG_DEVICE | ata.FLAG_ASYNC | ata.FLAG_WRITE;
const ACTIVE = 0xff;
const SMART_ENABLE = 0xd8;
const SMART_STATUS = 0xda;
/** LBA mid and high of a SMART request, and of the answer that says healthy (ATA8-ACS, 7.48). */
const SMART_KEY = 0xc24f_00;

/** P33: whether the opcode changes what is stored. */
export function writes(opcode: number): boolean {
  return opcode === ata.WRITE || opcode === ata.WRITE_EXT;
}

/** The request's own length, without padding (P18). */
export function requestLength(view: DataView, base: number, length: number): number {
  if (!writes(ata.command(view, base))) return ata.LENGTH;
  return Math.min(length, ata.LENGTH + ata.count(view, base) * ata.SECTOR);
}

/**
 * P34 from the reservation on: reservation, arguments, range. UNDECIDED: it may go to the store.
 * `length` is the frame's, `mostSectors` what its interface carries.
 */
export function check(
  request: Request,
  owner: Export,
  length: number,
  mostSectors: number,
): Outcome {
  const { opcode, count } = request;
  if (opcode !== ata.IDENTIFY && owner.isReservedFrom(request.source)) {
    owner.counters.reserved++;
    return outcomes.aoeFailure(aoe.ERROR_RESERVED);
  }
  switch (opcode) {
    case ata.READ:
    case ata.READ_EXT:
    case ata.WRITE:
    case ata.WRITE_EXT:
      if (count > mostSectors) return outcomes.aoeFailure(aoe.ERROR_ARGUMENT);
      if (request.write && length < ata.LENGTH + count * ata.SECTOR) {
        return outcomes.aoeFailure(aoe.ERROR_ARGUMENT);
      }
      if (count === 0) return OK;
      return checkRange(request, owner);
    case ata.IDENTIFY:
      return count === 1 ? UNDECIDED : outcomes.aoeFailure(aoe.ERROR_ARGUMENT);
    case ata.FLUSH:
    case ata.FLUSH_EXT:
      return UNDECIDED;
    case ata.CHECK_POWER:
      return OK;
    case ata.SMART:
      return checkSmart(request);
    default:
      return fail(request, ABRT, request.lba);
  }
}

/** P24. */
function checkRange(request: Request, owner: Export): Outcome {
  const { lba, sectors } = request;
  const end = owner.store.sectors;
  if (lba + sectors > end) return fail(request, IDNF, Math.max(lba, end));
  if (request.write && !owner.store.writable) return fail(request, ABRT, lba);
  return UNDECIDED;
}

/** Only what says "healthy": RETURN STATUS, and ENABLE, which it is. */
function checkSmart(request: Request): Outcome {
  const key = request.registers % 0x100_0000;
  const signed = key - (key % 0x100) === SMART_KEY;
  const known = request.feature === SMART_STATUS || request.feature === SMART_ENABLE;
  return signed && known ? OK : fail(request, ABRT, request.lba);
}

function fail(request: Request, outcome: Outcome, lba: number): Outcome {
  request.failedLba = lba;
  return outcome;
}

/** Takes a write's payload out of the receive ring, which will have its place back. */
export function keepPayload(request: Request, frame: FrameView): void {
  const { count, buffer } = request;
  copyMemory(frame, frame.base + ata.LENGTH, buffer, ata.LENGTH, count * ata.SECTOR);
}

/** `execute` as far as it needs no waiting. UNDECIDED: nothing was begun. */
export function executeNow(
  request: Request,
  owner: Export,
  payload: Memory,
  offset: number,
): Outcome {
  const { store } = owner;
  if (!store.asynchronous || request.opcode === ata.IDENTIFY) {
    return execute(request, owner, payload, offset);
  }
  const { lba, sectors } = request;
  let result = WOULD_WAIT;
  if (request.write) {
    if (owner.failed) return fail(request, ABRT, lba);
    result = store.writeNow?.(lba, sectors, payload, offset) ?? WOULD_WAIT;
  } else if (sectors > 0) {
    result = store.readNow?.(lba, sectors, request.buffer, ata.LENGTH) ?? WOULD_WAIT;
  }
  if (result === WOULD_WAIT) return UNDECIDED;
  return ended(request, owner, result, result === DONE ? 0 : store.good);
}

/** Runs a request that `check` let pass; `payload` at `offset` is a write's. UNDECIDED: the store will tell. */
export function execute(request: Request, owner: Export, payload: Memory, offset: number): Outcome {
  const { store } = owner;
  let result = DONE;
  // The store may have shrunk since the request was checked.
  const { lba, sectors } = request;
  if (sectors > 0 && lba + sectors > store.sectors) return checkRange(request, owner);
  switch (request.opcode) {
    case ata.READ:
    case ata.READ_EXT:
      result = store.read(request.lba, request.sectors, request.buffer, ata.LENGTH, request.id);
      break;
    case ata.WRITE:
    case ata.WRITE_EXT:
      // P25. Not at its arrival: a flush may fail while this one is delayed.
      if (owner.failed) return fail(request, ABRT, request.lba);
      result = store.write(request.lba, request.sectors, payload, offset, request.id);
      break;
    case ata.FLUSH:
    case ata.FLUSH_EXT:
      if (owner.failed) return fail(request, ABRT, request.lba);
      result = store.flush(request.id);
      break;
    case ata.IDENTIFY:
      request.buffer.bytes.set(owner.identifySector, ata.LENGTH);
      return OK;
    default:
      throw new Error(`invariant: opcode ${request.opcode} does not reach the store`);
  }
  if (result === PENDING) return UNDECIDED;
  return ended(request, owner, result, result === DONE ? 0 : store.good);
}

/** What the store's `errno`, after `good` sectors, is to the client. */
export function ended(request: Request, owner: Export, errno: number, good: number): Outcome {
  const { counters } = owner;
  if (errno === DONE) return OK;
  counters.storeErrors++;
  counters.lastErrno = errno;
  const { opcode } = request;
  if (opcode === ata.FLUSH || opcode === ata.FLUSH_EXT) {
    owner.failed = true;
    return fail(request, ABRT, request.lba);
  }
  return fail(request, request.write ? ABRT : UNC, request.lba + good);
}

/** Writes the ATA header of the answer behind the AoE header; the length of the whole. */
export function answer(request: Request, outcome: Outcome): number {
  const { view } = request.buffer;
  const flags = request.flags & KNOWN_FLAGS;
  if (outcomes.aoeError(outcome) !== 0) {
    // P31: the request's own header.
    ata.write(view, 0, flags, request.feature, request.count, request.opcode, request.registers);
    return ata.LENGTH;
  }
  const status = outcomes.status(outcome);
  if ((status & ata.STATUS_ERR) !== 0) {
    ata.write(view, 0, flags, outcomes.error(outcome), request.count, status, request.failedLba);
    return ata.LENGTH;
  }
  const count = request.opcode === ata.CHECK_POWER ? ACTIVE : request.count;
  ata.write(view, 0, flags, 0, count, status, request.registers);
  switch (request.opcode) {
    case ata.READ:
    case ata.READ_EXT:
      return ata.LENGTH + request.count * ata.SECTOR;
    case ata.IDENTIFY:
      return ata.LENGTH + ata.SECTOR;
    default:
      return ata.LENGTH;
  }
}

/** Decodes the ATA header at `base`: P21, the opcode decides between LBA28 and LBA48. */
export function decodeAta(request: Request, view: DataView, base: number): void {
  request.flags = ata.flags(view, base);
  request.feature = ata.feature(view, base);
  request.count = ata.count(view, base);
  request.opcode = ata.command(view, base);
  request.registers = ata.lba48(view, base);
  request.write = false;
  request.sectors = 0;
  switch (request.opcode) {
    case ata.WRITE:
    case ata.WRITE_EXT:
      request.write = true;
      request.sectors = request.count;
      break;
    case ata.READ:
    case ata.READ_EXT:
      request.sectors = request.count;
      break;
  }
  request.lba =
    request.opcode === ata.READ || request.opcode === ata.WRITE
      ? ata.lba28(view, base)
      : request.registers;
  // A failure that knows no better is the first sector's.
  request.failedLba = request.lba;
}

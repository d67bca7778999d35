// A range of a device through `iodepth` buffers, in order on the caller's side:
//
//   read    commands ─▶ [ b0 | b1 | b2 | … ] ─▶ consume(b0), consume(b1), … in the order of the device
//   write   produce(b0), produce(b1), … ─▶ commands
//
// Commands end in any order; a buffer is used again once its bytes were consumed or written.
// The first failure, the device's or the caller's, ends the transfer; what is in flight is withdrawn.

import { type AddressedMemory, addressedMemory } from "../../link/addressed_memory.ts";
import { SECTOR } from "../../wire/ata.ts";
import { Command, OK } from "../protocol/command.ts";
import { DeviceError } from "../protocol/describe.ts";
import type { Device } from "../protocol/device.ts";
import type { Session } from "./session.ts";
import { READ, WRITE } from "../protocol/operation.ts";

export interface DeviceRange {
  /** Bytes, all multiples of 512. */
  readonly offset: number;
  readonly size: number;
  readonly blockBytes: number;
  readonly iodepth: number;
}

/** `bytes` is the device's content at `at` (reading) or is to become it; valid during the call only. */
export type Visit = (bytes: Uint8Array, at: number) => void;

/** False: this block stays on the device as it is. */
export type Produce = (bytes: Uint8Array, at: number) => boolean | undefined;

export interface TransferOptions extends DeviceRange {
  readonly session: Session;
  readonly device: Device;
  /** Bytes that are through, told now and then. */
  readonly onProgress?: (bytes: number) => void;
  /** The transfer has failed; every byte of the range before the first `whole` is through. */
  readonly onFailure?: (whole: number) => void;
  /** Ends the transfer with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Calls `consume` for each block in order. Throws DeviceError, or what `consume` threw. */
export function readDevice(options: TransferOptions, consume: Visit): Promise<void> {
  return new Transfer(options, READ, consume).run();
}

/** Calls `produce` for each block in order. Throws DeviceError, or what `produce` threw. */
export function writeDevice(options: TransferOptions, produce: Produce): Promise<void> {
  return new Transfer(options, WRITE, produce).run();
}

/** How often progress is told, ns. */
const TELL_EVERY = 100e6;

class Slot {
  readonly command = new Command();
  readonly memory: AddressedMemory;
  /** Views of the whole block and, for the last one, of a part. */
  bytes: Uint8Array;
  at = 0;
  ready = false;

  constructor(blockBytes: number) {
    this.memory = addressedMemory(blockBytes);
    this.bytes = this.memory.bytes;
    this.command.memory = this.memory;
  }
}

class Transfer {
  private readonly options: TransferOptions;
  private readonly operation: number;
  private readonly visit: Visit | Produce;
  private readonly slots: Slot[] = [];
  private readonly end: number;
  /** Next byte to submit, and to consume. */
  private next: number;
  private through: number;
  private pending = 0;
  private error: unknown = null;
  private whole = 0;
  private toldAt = 0;

  constructor(options: TransferOptions, operation: number, visit: Visit | Produce) {
    this.options = options;
    this.operation = operation;
    this.visit = visit;
    this.next = options.offset;
    this.through = options.offset;
    this.end = options.offset + options.size;
    const { blockBytes, iodepth, size } = options;
    const count = Math.max(1, Math.min(iodepth, Math.ceil(size / blockBytes)));
    for (let index = 0; index < count; index++) {
      const slot = new Slot(blockBytes);
      slot.command.cookie = index;
      slot.command.done = (command) => this.ended(command);
      this.slots.push(slot);
    }
  }

  async run(): Promise<void> {
    const { session } = this.options;
    try {
      session.initiator.begin(session.waiter.now());
      this.toldAt = session.waiter.now();
      for (const slot of this.slots) this.start(slot);
      await session.run(() => {
        this.tell();
        return this.pending === 0;
      });
    } finally {
      for (const slot of this.slots) slot.memory.unmap();
    }
    if (this.error !== null) {
      this.options.onFailure?.(this.whole - this.options.offset);
      throw this.error;
    }
    this.options.onProgress?.(this.options.size);
  }

  private tell(): void {
    const { signal } = this.options;
    if (signal?.aborted === true && this.error === null) this.stop(signal.reason);
    const now = this.options.session.waiter.now();
    if (now - this.toldAt < TELL_EVERY) return;
    this.toldAt = now;
    this.options.onProgress?.(this.through - this.options.offset);
  }

  private start(slot: Slot): void {
    const { command } = slot;
    for (;;) {
      if (this.error !== null || this.next >= this.end) return;
      const length = Math.min(this.options.blockBytes, this.end - this.next);
      if (length !== slot.bytes.length) slot.bytes = slot.memory.bytes.subarray(0, length);
      slot.at = this.next;
      slot.ready = false;
      command.operation = this.operation;
      command.lba = this.next / SECTOR;
      command.sectors = length / SECTOR;
      const wanted = this.operation === READ || this.call(slot);
      if (this.error !== null) return;
      this.next += length;
      if (wanted) break;
      this.through += length;
    }
    this.pending++;
    this.options.device.submit(command);
  }

  /** Runs the caller's part; false: he threw, and the transfer ends, or he wants nothing of the block. */
  private call(slot: Slot): boolean {
    try {
      return this.visit(slot.bytes, slot.at) !== false;
    } catch (error) {
      this.stop(error, slot.at);
      return false;
    }
  }

  private ended(command: Command): void {
    this.pending--;
    if (this.error !== null) return;
    const slot = this.slots[command.cookie] as Slot;
    if (command.outcome !== OK) {
      this.stop(new DeviceError(this.options.device, command), slot.at);
      return;
    }
    if (this.operation === WRITE) {
      this.through += slot.bytes.length;
      this.start(slot);
      return;
    }
    slot.ready = true;
    // Blocks are handed on in order: the slot of the next one follows in the ring.
    const { slots, options } = this;
    for (;;) {
      const index = ((this.through - options.offset) / options.blockBytes) % slots.length;
      const first = slots[index] as Slot;
      if (!first.ready || first.at !== this.through) return;
      this.call(first);
      if (this.error !== null) return;
      this.through += first.bytes.length;
      first.ready = false;
      this.start(first);
      if (this.through >= this.end) return;
    }
  }

  /** `at`: the block that failed. */
  private stop(error: unknown, at = Infinity): void {
    this.error = error;
    // Reading, blocks are through in order; writing, all before the first that has not ended well.
    let whole = this.operation === READ ? this.through : Math.min(this.next, at);
    for (const { command, at: place } of this.slots) {
      if (this.operation === WRITE && command.busy) whole = Math.min(whole, place);
    }
    this.whole = whole;
    for (const slot of this.slots) {
      if (slot.command.busy) this.options.device.cancel(slot.command);
    }
  }
}

// A closed loop of small reads and writes at one device, as long as it is told to go on. Nothing is
// allocated per command; a command that ends is given out again.

import { Command, OK, TIMEOUT } from "../../initiator/protocol/command.ts";
import type { Device } from "../../initiator/protocol/device.ts";
import type { Random } from "../../words/random.ts";
import { READ, WRITE } from "../../initiator/protocol/operation.ts";

export interface PumpCounters {
  submitted: number;
  good: number;
  timeouts: number;
  failed: number;
  /** Most frames outstanding, as seen at each end of a command. */
  mostOutstanding: number;
}

export class Pump {
  readonly counters: PumpCounters = {
    submitted: 0,
    good: 0,
    timeouts: 0,
    failed: 0,
    mostOutstanding: 0,
  };
  /** Commands that the device has. */
  out = 0;
  private readonly device: Device;
  private readonly random: Random;
  private readonly sectors: number;
  private readonly extent: number;
  private left: number;

  /** `limit` commands in all, Infinity until `stop`; `extent` sectors from 0 on are used. */
  constructor(device: Device, random: Random, extent: number, limit = Infinity, sectors = 2) {
    this.device = device;
    this.random = random;
    this.extent = extent;
    this.sectors = sectors;
    this.left = limit;
  }

  start(depth: number): void {
    for (let index = 0; index < depth; index++) {
      const command = new Command();
      const bytes = new Uint8Array(this.sectors * 512).fill(index);
      command.memory = { bytes, view: new DataView(bytes.buffer), address: 0 };
      command.sectors = this.sectors;
      command.done = this.ended;
      this.next(command);
    }
  }

  stop(): void {
    this.left = 0;
  }

  get over(): boolean {
    return this.left <= 0 && this.out === 0;
  }

  private readonly ended = (command: Command): void => {
    const { counters, device } = this;
    this.out--;
    if (command.outcome === OK) counters.good++;
    else if (command.outcome === TIMEOUT) counters.timeouts++;
    else counters.failed++;
    if (device.outstanding > counters.mostOutstanding) {
      counters.mostOutstanding = device.outstanding;
    }
    this.next(command);
  };

  private next(command: Command): void {
    if (this.left <= 0) return;
    this.left--;
    this.out++;
    this.counters.submitted++;
    command.operation = this.random.below(2) === 0 ? READ : WRITE;
    command.lba = this.random.below(this.extent / this.sectors) * this.sectors;
    this.device.submit(command);
  }
}

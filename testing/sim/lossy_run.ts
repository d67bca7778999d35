// A long run over a network that loses, doubles, reorders, cuts and damages frames in both directions, under the
// virtual clock: every request ends, what is read is what was written or is caught by its stamp, and no stale
// write reaches the disk.
//
//   commands ─▶ initiator ─ wrong lengths ─ faults ─ faults ─▶ memory link ─▶ target ─▶ watched store
//
// Three things can be wrong with a sector that was read well, and only the last is a fault of ours:
//   in flight   the disk is right, its stamp caught the damage on the way
//   smashed     a damaged or misdirected write is on the disk, its stamp caught it
//   wrong       anything else

import { Command, OK, TIMEOUT } from "../../initiator/protocol/command.ts";
import type { Device } from "../../initiator/protocol/device.ts";
import { createInitiator, type Initiator } from "../../initiator/protocol/initiator.ts";
import { createPool, type StrategyName } from "../../initiator/pool/buffer_pool.ts";
import { parseFaults } from "../../link/fault_plan.ts";
import { createFaults } from "../../link/faults.ts";
import type { Memory } from "../../link/link.ts";
import { createMemoryPair } from "../../link/memory.ts";
import { createVirtualClock, runVirtual } from "../../link/virtual_clock.ts";
import { Export } from "../../target/protocol/export.ts";
import { Target } from "../../target/protocol/target.ts";
import { createBreath } from "../../words/breath.ts";
import { createRandom, type Random } from "../../words/random.ts";
import { FUTURE, GOOD, generationOf, judge, STALE, stamp } from "../../bench/load/stamp.ts";
import { SECTOR } from "../../wire/ata.ts";
import { createWatchedStore, type WatchedStore } from "./watched_store.ts";
import { WrongLength } from "../../link/wrong_length.ts";
import { FLUSH, READ, WRITE } from "../../initiator/protocol/operation.ts";

export interface FaultRunOptions {
  readonly commands: number;
  readonly seed: number;
  readonly iodepth: number;
  /** Sectors of a command at most. */
  readonly span: number;
  readonly sectors: number;
  readonly mtu: number;
  readonly strategy: StrategyName;
  /** Faults of frames other than corruption, and corruption of headers. */
  readonly faults: string;
  /** Damage to payloads. */
  readonly payloadFaults: string;
  /** Share of frames with a wrong length. */
  readonly wrongLength: number;
}

const BOTH = (fault: string): string => `tx:${fault},rx:${fault}`;

export const FAULT_RUN_DEFAULTS: FaultRunOptions = {
  commands: 1_000_000,
  seed: 1,
  iodepth: 32,
  span: 8,
  sectors: 4096,
  mtu: 1500,
  strategy: "completion",
  faults: ["drop:1%", "duplicate:1%", "reorder:1%/300us", "corrupt:0.05%/header"]
    .map(BOTH)
    .join(","),
  payloadFaults: BOTH("corrupt:0.025%/payload"),
  wrongLength: 0.00025,
};

export interface FaultRunFigures {
  readonly commands: number;
  readonly ok: number;
  /** Ended with an error: a flipped bit can make one of a success. */
  readonly failed: number;
  readonly timeouts: number;
  readonly virtual_ns: number;
  readonly transmits: number;
  readonly retransmits: number;
  readonly held_back: number;
  readonly frames_with_faults: number;
  readonly frames_damaged: number;
  readonly sectors_verified: number;
  readonly caught_in_flight: number;
  readonly caught_smashed: number;
  readonly sectors_smashed: number;
  /** What must be 0. */
  readonly wrong: number;
  readonly stale_writes: number;
}

/** Virtual ns without an end of a command after which the run has got stuck. */
const PATIENCE = 100e9;
const ADDRESS = { major: 7, minor: 3 };

/** Commands between two breaths. */
const STRETCH = 1000;

/** Throws where a request never ends. `onProgress` hears how many have. */
export function faultRun(
  options: FaultRunOptions,
  onProgress: (ended: number) => void = () => {},
): Promise<FaultRunFigures> {
  return new FaultRun(options, onProgress).go();
}

class FaultRun {
  private readonly options: FaultRunOptions;
  private readonly onProgress: (ended: number) => void;
  private readonly clock = createVirtualClock();
  private readonly random: Random;
  private readonly store: WatchedStore;
  private readonly initiator: Initiator;
  private readonly target = new Target();
  private readonly lengths: WrongLength;
  private readonly faulty: readonly ReturnType<typeof createFaults>[];
  /** By sector: the generation last submitted; whether a write of it ended badly, so that either may stand there. */
  private readonly submitted: Uint32Array;
  private readonly open: Uint8Array;
  private readonly busy: Uint8Array;
  private generation = 1;
  private started = 0;
  private ended = 0;
  private failed = 0;
  private verified = 0;
  private caughtInFlight = 0;
  private caughtSmashed = 0;
  private wrong = 0;

  constructor(options: FaultRunOptions, onProgress: (ended: number) => void) {
    const { seed, sectors, mtu, strategy } = options;
    const { clock } = this;
    this.options = options;
    this.onProgress = onProgress;
    this.random = createRandom(seed);
    this.store = createWatchedStore(sectors, seed);
    this.submitted = new Uint32Array(sectors).fill(1);
    this.open = new Uint8Array(sectors);
    this.busy = new Uint8Array(sectors);
    const [near, far] = createMemoryPair({ clock, latency: 10e3, mtu, queueFrames: 4096 });
    const wrap = (inner: typeof near, text: string, name: string) =>
      createFaults(inner, parseFaults(text, "--faults"), { clock, random: this.random.fork(name) });
    const damaged = wrap(near, options.payloadFaults, "payload");
    const faulty = wrap(damaged, options.faults, "faults");
    this.faulty = [damaged, faulty];
    this.lengths = new WrongLength(faulty, options.wrongLength, this.random.fork("lengths"));
    this.target.addExport(new Export({ ...ADDRESS, store: this.store, bufferCount: 64 }));
    this.target.addPort(far, "memory");
    this.initiator = createInitiator({
      links: [this.lengths],
      clock,
      random: this.random.fork("tags"),
      pool: (link, frameBytes) =>
        createPool({ link, frameBytes, strategy, preallocated: 16, cap: 256 }),
    });
  }

  private run(until: () => boolean): void {
    const { clock, initiator, target } = this;
    let last = -1;
    while (!until()) {
      const end = clock.now() + PATIENCE;
      runVirtual([initiator, target], clock, until, end);
      if (!until() && this.ended === last) {
        throw new Error(
          `invariant: every request ends (${this.started - this.ended} are out at ${clock.now()} ns)`,
        );
      }
      last = this.ended;
    }
  }

  async go(): Promise<FaultRunFigures> {
    const { initiator, options } = this;
    const device = this.find();
    for (let index = 0; index < options.iodepth; index++) {
      const command = new Command();
      const bytes = new Uint8Array(options.span * SECTOR);
      command.memory = { bytes, view: new DataView(bytes.buffer), address: 0 };
      command.done = (ended) => this.done(device, ended);
      this.start(device, command);
    }
    const breath = createBreath();
    while (this.ended < options.commands) {
      const next = Math.min(this.ended + STRETCH, options.commands);
      this.run(() => this.ended >= next);
      await breath();
    }
    const { counters } = device;
    initiator.close();
    let touched = 0;
    let damaged = this.lengths.altered;
    for (const { faults } of this.faulty) {
      for (const { dropped, corrupted, duplicated, delayed, reordered } of [faults.tx, faults.rx]) {
        touched += dropped + corrupted + duplicated + delayed + reordered;
        damaged += corrupted;
      }
    }
    return {
      commands: this.ended,
      ok: this.ended - this.failed,
      failed: this.failed,
      timeouts: counters.timeouts,
      virtual_ns: this.clock.now(),
      transmits: counters.transmits,
      retransmits: counters.retransmits,
      held_back: counters.heldBack,
      frames_with_faults: touched + this.lengths.altered,
      frames_damaged: damaged,
      sectors_verified: this.verified,
      caught_in_flight: this.caughtInFlight,
      caught_smashed: this.caughtSmashed,
      sectors_smashed: this.store.counts.smashed,
      wrong: this.wrong,
      stale_writes: this.store.counts.stale,
    };
  }

  private find(): Device {
    const { initiator } = this;
    initiator.discover();
    let asked = 0;
    this.run(() => {
      const device = initiator.device(ADDRESS);
      if (device?.identity != null) return true;
      // The question, or its answer, may be among what is lost.
      if (this.clock.now() - asked > 1e9) {
        asked = this.clock.now();
        initiator.discover();
        device?.identify();
      }
      return false;
    });
    return initiator.device(ADDRESS) as Device;
  }

  private start(device: Device, command: Command): void {
    if (this.started === this.options.commands) return;
    this.started++;
    const { busy, random } = this;
    const { sectors, span } = this.options;
    const kind = random.below(100);
    command.operation = kind < 2 ? FLUSH : kind < 50 ? READ : WRITE;
    command.sectors = 0;
    if (command.operation !== FLUSH) {
      do {
        command.sectors = 1 + random.below(span);
        command.lba = random.below(sectors - command.sectors);
      } while (busy.subarray(command.lba, command.lba + command.sectors).includes(1));
      busy.fill(1, command.lba, command.lba + command.sectors);
    }
    if (command.operation === WRITE) {
      const generation = ++this.generation;
      const { view } = command.memory as Memory;
      stamp(view, 0, command.lba, command.sectors, generation, this.options.seed);
      this.submitted.fill(generation, command.lba, command.lba + command.sectors);
    }
    device.submit(command);
  }

  private done(device: Device, command: Command): void {
    this.ended++;
    if (this.ended % 10_000 === 0) this.onProgress(this.ended);
    const { lba, operation, outcome, sectors } = command;
    if (outcome !== OK) this.failed++;
    if (operation === WRITE) {
      this.open.fill(outcome === OK ? 0 : 1, lba, lba + sectors);
      if (outcome === OK) {
        const { acknowledged } = this.store;
        acknowledged.fill(this.submitted[lba] ?? 0, lba, lba + sectors);
      }
      // The caller owns the memory again: a later send from it would send this.
      (command.memory as Memory).bytes.fill(0xa5);
    } else if (operation === READ && outcome === OK) {
      const { view } = command.memory as Memory;
      for (let sector = 0; sector < sectors; sector++)
        this.verify(view, sector * SECTOR, lba + sector);
    } else if (outcome === TIMEOUT && operation === FLUSH) {
      throw new Error("invariant: a flush is answered within its timeout");
    }
    this.busy.fill(0, lba, lba + sectors);
    this.start(device, command);
  }

  private verify(view: DataView, base: number, lba: number): void {
    this.verified++;
    const { seed } = this.options;
    if (this.isRight(view, base, lba, seed)) return;
    const { store } = this;
    if (store.smashed[lba] === 1) {
      this.caughtSmashed++;
      return;
    }
    // An older or newer sector with a whole stamp comes from a disk, not from a flipped bit.
    const verdict = judge(view, base, lba, this.submitted[lba] ?? 0, seed);
    const fromDisk = verdict === STALE || verdict === FUTURE;
    if (!fromDisk && this.isRight(store.view, lba * SECTOR, lba, seed)) this.caughtInFlight++;
    else this.wrong++;
  }

  private isRight(view: DataView, base: number, lba: number, seed: number): boolean {
    const expected = this.submitted[lba] ?? 0;
    if (judge(view, base, lba, expected, seed) === GOOD) return true;
    if (this.open[lba] !== 1 || judge(view, base, lba, 0, seed) !== GOOD) return false;
    const found = generationOf(view, base);
    return found >= (this.store.acknowledged[lba] ?? 0) && found <= expected;
  }
}

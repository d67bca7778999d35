// A target's machine in the simulation: its ports, its disk, and the process that serves it, which dies
// in a crash and comes back as a new one that knows nothing but the disk.

import { parseFaults } from "../../link/fault_plan.ts";
import { createFaults, type FaultLink } from "../../link/faults.ts";
import type { Link } from "../../link/link.ts";
import type { Core } from "../../link/loop.ts";
import type { MemoryControl } from "../../link/memory.ts";
import { createReclaim } from "../../link/reclaim.ts";
import { parseReclaim } from "../../link/reclaim_model.ts";
import type { VirtualClock } from "../../link/virtual_clock.ts";
import { Export } from "../../target/protocol/export.ts";
import { parseServiceModel } from "../../target/service/model.ts";
import type { Store } from "../../target/stores/store.ts";
import type { Mac } from "../../wire/mac.ts";
import { createFaultyStore } from "../../target/stores/faulty.ts";
import { Target } from "../../target/protocol/target.ts";
import type { Random } from "../../words/random.ts";
import type { CrashStore } from "./crash_store.ts";
import type { History } from "./history.ts";
import type { TargetPart } from "./scenario.ts";
import type { WireLink } from "./wire.ts";

/** Longer than any run: what a wrapper holds at most is cut to a fifth of the packet life. */
export const LATE_SHARE = 5;
/** Frames late at once in one direction of a wrapper. */
export const LATE_SLOTS = 64;

const NO_FAULTS = parseFaults("", "faults");

/** What stands in a core's place while its machine is down. */
export const DEAD: Core = {
  ports: [],
  begin() {},
  advance() {},
  nextDeadline: () => Infinity,
};

export interface MachineParts {
  readonly index: number;
  readonly part: TargetPart;
  readonly wires: readonly WireLink[];
  /** Of the switch: of `wires`, in their order. */
  readonly portNumbers: readonly number[];
  readonly control: MemoryControl;
  readonly disk: CrashStore;
  readonly history: History;
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly packetLife: number;
  readonly wrapStore: (store: Store) => Store;
}

export class Machine {
  core: Core = DEAD;
  crashes = 0;
  target: Target | null = null;
  exported: Export | null = null;
  private faults: FaultLink[] = [];
  private calm = false;
  private readonly parts: MachineParts;

  constructor(parts: MachineParts) {
    this.parts = parts;
    this.boot();
  }

  get isUp(): boolean {
    return this.target !== null;
  }

  private boot(): void {
    const { part, clock, disk, packetLife, index } = this.parts;
    const random = this.parts.random.fork(`life ${this.crashes}`);
    const service = this.calm ? "" : part.service;
    const polled =
      part.storePolls === 0 ? disk : createFaultyStore(disk, { polls: part.storePolls });
    const exported = new Export({
      major: index + 1,
      minor: 0,
      store: this.parts.wrapStore(polled),
      bufferCount: part.bufferCount,
      // As each process of a target has its own.
      instance: this.crashes + 1,
      model: parseServiceModel(service, {
        what: "service",
        random: random.fork("service"),
        sectors: part.sectors,
      }),
    });
    const target = new Target();
    target.addExport(exported);
    this.faults = [];
    for (const [number, wire] of this.parts.wires.entries()) {
      let link: Link = wire;
      if (part.faults !== "") {
        const plan = this.calm ? NO_FAULTS : parseFaults(part.faults, "faults");
        const faulty = createFaults(link, plan, {
          clock,
          random: random.fork(`faults ${number}`),
          slots: LATE_SLOTS,
          longestDelay: packetLife / LATE_SHARE,
        });
        this.faults.push(faulty);
        link = faulty;
      }
      link = createReclaim(link, parseReclaim(part.reclaim, "reclaim"), clock);
      target.addPort(link, `port ${number}`);
    }
    this.exported = exported;
    this.target = target;
    this.core = target;
  }

  /** Its disk has so many sectors from now on; a later life serves as many. */
  resize(sectors: number): void {
    const { target, exported } = this;
    if (target === null || exported === null) this.parts.disk.resize(sectors);
    else target.resize(exported, sectors);
  }

  /** Power is lost: what was in hand, in memory, in the ports is gone. */
  crash(): void {
    if (this.target === null) return;
    const { control, portNumbers, disk, history, index } = this.parts;
    for (const port of portNumbers) control.down(port);
    this.target = null;
    this.exported = null;
    this.core = DEAD;
    this.crashes++;
    disk.crash(this.parts.random.fork(`crash ${this.crashes}`));
    history.crashed(index);
  }

  /** `freshMac`: it comes back by other addresses. */
  restart(freshMac: (() => Mac) | null = null): void {
    if (this.target !== null) return;
    const { control, portNumbers, wires } = this.parts;
    for (const [at, port] of portNumbers.entries()) {
      if (freshMac !== null) control.setMac(port, freshMac());
      control.up(port);
      const wire = wires[at] as WireLink;
      wire.onChange = null;
      // What reached the ports before power was lost, or while nobody was there.
      while (wire.receive(ignore, 1024) > 0);
    }
    this.boot();
  }

  /** No faults and no service model from now on; what hangs is released. */
  calmDown(): void {
    this.calm = true;
    for (const link of this.faults) link.setPlan(NO_FAULTS);
    const { target, exported } = this;
    if (target === null || exported === null) return;
    const { model } = exported;
    exported.model = { text: "", stages: [] };
    for (const stage of model.stages) {
      // What waits for a lane is still to come this way: it must not hang once all is calm.
      if (stage.text.startsWith("hang")) stage.enter = (_, now) => now;
      stage.release(this.parts.clock.now());
    }
  }
}

function ignore(): void {}

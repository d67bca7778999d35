// One run: a scenario in, a verdict out. Nothing else decides what happens in it.
//
//   build ─▶ load, with faults ─▶ calm ─▶ all that is out ends ─▶ last checks ─▶ close
//            │ until every client is         │ within a bound        │ every sector is read,
//            │ through, or `calmAt`          │                       │ all must end well

import { createInitiator, type Initiator } from "../../initiator/initiator.ts";
import { createPool } from "../../initiator/pool/buffer_pool.ts";
import { littlesLaw } from "../../initiator/pool/littles_law.ts";
import { parseFaults } from "../../link/fault_plan.ts";
import { createFaults, type FaultLink } from "../../link/faults.ts";
import type { Link } from "../../link/link.ts";
import type { Core } from "../../link/loop.ts";
import { createMemorySwitch, type MemorySwitch } from "../../link/memory.ts";
import { createReclaim } from "../../link/reclaim.ts";
import { parseReclaim } from "../../link/reclaim_model.ts";
import { createVirtualClock, runVirtual } from "../../link/virtual_clock.ts";
import type { Store } from "../../target/store.ts";
import { formatDuration, S } from "../../words/quantity.ts";
import { createRandom } from "../../words/random.ts";
import { Client, type ClientRules } from "./client.ts";
import { CrashStore } from "./crash_store.ts";
import { History } from "./history.ts";
import { LATE_SHARE, LATE_SLOTS, Machine } from "./machine.ts";
import { PinWatch } from "./pin_watch.ts";
import {
  type InitiatorPart,
  type Scenario,
  type TargetPart,
  type Traits,
  traitsOf,
} from "./scenario.ts";
import { Scene } from "./scene.ts";
import { Trace } from "./trace.ts";
import { type Checker, Violation } from "./violation.ts";
import { Asked, WireLink, type WireRules } from "./wire.ts";

/** How often what the rules are about has happened, so that one sees what was tried. */
export interface Figures {
  readonly commands: number;
  readonly frames: number;
  readonly virtual_ns: number;
  readonly ok: number;
  readonly ata_errors: number;
  readonly aoe_errors: number;
  readonly timeouts: number;
  readonly cancelled: number;
  readonly retransmits: number;
  readonly held_back: number;
  readonly duplicates_dropped: number;
  readonly duplicates_answered: number;
  readonly dry: number;
  readonly kicks: number;
  readonly kick_stall_ns: number;
  readonly allocations: number;
  readonly fall_backs: number;
  readonly crashes: number;
  readonly sectors_lost: number;
  readonly stale_writes: number;
}

export interface Failing {
  readonly checker: Checker;
  readonly message: string;
  /** Virtual time, ns. */
  readonly at: number;
  /** Of an error that no checker threw. */
  readonly stack: string | null;
}

export interface Verdict {
  readonly failure: Failing | null;
  /** 16 hex digits over every frame and every command's end. */
  readonly hash: string;
  readonly figures: Figures;
}

/** What tests put between the parts, to see that the checkers find it. */
export interface Hooks {
  /** Around an initiator's late link, below the watch over its buffers. */
  readonly link?: (link: Link) => Link;
  /** Around a target's store. */
  readonly store?: (store: Store) => Store;
  /** The store lets copies pass that P28 should have caught, so that what follows from them is seen. */
  readonly allowDuplicates?: boolean;
  /** Called when the load is over and before the calm, with the figures as they stand. */
  readonly loaded?: (figures: Figures) => void;
}

/** Room for frames under way to a port. */
const QUEUE_FRAMES = 128;
/** After the faults: a packet life, the longest RTO twice, a probe of a path, a kick. */
const SETTLE = 6 * S;
/** How long the link may hold buffers after the end: what teardown waits, and the models' longest. */
const TEARDOWN = 4 * S;
const STARVING = 4;
/** Of the reclaim models, ns. */
const SLOWEST_RELEASE = 10e6;
const FIRST_MAC = 0x0200_0000_0100;
const NO_FAULTS = parseFaults("", "faults");

export function simulate(scenario: Scenario, hooks: Hooks = {}): Verdict {
  const run = new Run(scenario, hooks);
  let failure: Failing | null = null;
  try {
    run.go();
  } catch (error) {
    failure = describe(error, run.clock.now());
  }
  return { failure, hash: run.trace.toString(), figures: run.figures() };
}

function describe(error: unknown, at: number): Failing {
  if (error instanceof Violation) {
    return { checker: error.checker, message: error.message, at, stack: null };
  }
  const thrown = error instanceof Error ? error : new Error(String(error));
  return { checker: "invariant", message: thrown.message, at, stack: thrown.stack ?? null };
}

class Run {
  readonly clock = createVirtualClock();
  readonly trace = new Trace();
  readonly initiators: Initiator[] = [];
  private readonly scenario: Scenario;
  private readonly hooks: Hooks;
  private readonly traits: Traits;
  private readonly network: MemorySwitch;
  private readonly wires: WireLink[];
  private readonly history: History;
  private readonly disks: CrashStore[] = [];
  private readonly machines: Machine[] = [];
  private readonly faults: FaultLink[] = [];
  private readonly clients: Client[] = [];
  private readonly scene: Scene;
  private readonly cores: Core[] = [];

  constructor(scenario: Scenario, hooks: Hooks) {
    const { targets, initiators, latency, mtu } = scenario;
    this.scenario = scenario;
    this.hooks = hooks;
    this.traits = traitsOf(scenario);
    const random = createRandom(scenario.seed).fork("run");
    let ports = 0;
    for (const { ports: count } of targets) ports += count;
    for (const { links: count } of initiators) ports += count;
    this.network = createMemorySwitch({
      clock: this.clock,
      latency,
      mtu,
      queueFrames: mtu > 2000 ? QUEUE_FRAMES / 4 : QUEUE_FRAMES,
      macs: Array.from({ length: ports }, (_, port) => FIRST_MAC + port),
    });
    const rules: WireRules = {
      trace: this.trace,
      asked: new Asked(),
      now: () => this.clock.now(),
      corrupts: this.traits.corrupts,
    };
    this.wires = this.network.links.map((link, port) => new WireLink(link, port, rules));
    this.history = new History(
      targets.map(({ sectors }) => sectors),
      this.traits.crashes,
    );
    let port = 0;
    for (const [index, part] of targets.entries()) {
      this.addMachine(index, part, port, random.fork(`target ${index}`));
      port += part.ports;
    }
    for (const [index, part] of initiators.entries()) {
      this.addInitiator(index, part, port, random.fork(`initiator ${index}`));
      port += part.links;
    }
    this.scene = new Scene(
      scenario,
      this.network,
      this.machines,
      () => this.poll(),
      () => this.gather(),
    );
    for (const [index, part] of initiators.entries()) {
      this.addClients(index, part, random.fork(`load ${index}`));
    }
    this.gather();
  }

  private addMachine(
    index: number,
    part: TargetPart,
    port: number,
    random: ReturnType<typeof createRandom>,
  ): void {
    const { corrupts, sameCopies } = this.traits;
    const disk = new CrashStore(
      index,
      part.sectors,
      {
        stamped: !corrupts,
        noStale: true,
        noDuplicates: sameCopies && this.hooks.allowDuplicates !== true,
      },
      this.history,
      () => this.clock.now(),
    );
    this.disks.push(disk);
    this.machines.push(
      new Machine({
        index,
        part,
        wires: this.wires.slice(port, port + part.ports),
        portNumbers: Array.from({ length: part.ports }, (_, at) => port + at),
        control: this.network,
        disk,
        history: this.history,
        clock: this.clock,
        random,
        packetLife: this.scenario.packetLife,
        wrapStore: this.hooks.store ?? ((store) => store),
      }),
    );
  }

  private addInitiator(
    index: number,
    part: InitiatorPart,
    port: number,
    random: ReturnType<typeof createRandom>,
  ): void {
    const links: Link[] = [];
    for (let at = 0; at < part.links; at++) {
      const wire = this.wires[port + at] as WireLink;
      wire.onTransmit = this.windowCheck(index);
      links.push(this.wrap(wire, part, random.fork(`link ${at}`)));
    }
    this.initiators.push(
      createInitiator({
        links,
        clock: this.clock,
        random: random.fork("tags"),
        pool: (link, frameBytes) =>
          createPool({
            link,
            frameBytes,
            strategy: part.pool.strategy,
            preallocated: part.pool.preallocated,
            cap: part.pool.cap,
            verify: part.pool.verify === 1,
          }),
        kick: part.kick,
        timeout: part.timeout,
        packetLife: this.scenario.packetLife,
        windowLaw: part.windowLaw,
        retransmitTag: part.retransmitTag,
      }),
    );
  }

  private wrap(wire: WireLink, part: InitiatorPart, random: ReturnType<typeof createRandom>): Link {
    const { clock } = this;
    let link: Link = wire;
    if (part.faults !== "") {
      const faulty = createFaults(link, parseFaults(part.faults, "faults"), {
        clock,
        random: random.fork("faults"),
        slots: LATE_SLOTS,
        longestDelay: this.scenario.packetLife / LATE_SHARE,
      });
      this.faults.push(faulty);
      link = faulty;
    }
    const model = parseReclaim(part.reclaim, "reclaim");
    if (!model.holds) return link;
    link = createReclaim(link, model, clock);
    return new PinWatch(this.hooks.link?.(link) ?? link);
  }

  /** P12, at every transmit. The pieces of a frame that no longer fits are more than the one that was counted. */
  private windowCheck(index: number): (() => void) | null {
    const { events, mtu, targets } = this.scenario;
    // A refusal for its size (AoE error 2) cuts a frame as well.
    if (targets.some(({ service }) => service.includes("error:2"))) return null;
    if (mtu > 2000 || events.some(({ kind }) => kind === "mtu") || this.traits.corrupts)
      return null;
    return () => {
      const { devices } = this.initiators[index] as Initiator;
      for (let at = 0; at < devices.length; at++) {
        const device = devices[at];
        if (device === undefined) continue;
        const most = targets[device.major - 1]?.bufferCount ?? 0;
        if (device.outstanding > most) {
          throw new Violation(
            "window",
            `${device.outstanding} frames are out at a target with ${most} buffers`,
          );
        }
      }
    };
  }

  private addClients(index: number, part: InitiatorPart, random: ReturnType<typeof createRandom>) {
    const { initiators, targets } = this.scenario;
    const rules: ClientRules = {
      history: this.history,
      trace: this.trace,
      traits: this.traits,
      now: () => this.clock.now(),
      wake: (initiator) => this.initiators[initiator]?.begin(this.clock.now()),
      timer: (handle, at) => this.scene.timer(handle, at),
      ended: () => {
        this.scene.ended++;
      },
    };
    for (const [device, { sectors }] of targets.entries()) {
      const first = Math.floor((sectors * index) / initiators.length);
      const end = Math.max(first + 1, Math.floor((sectors * (index + 1)) / initiators.length));
      const base = this.clients.reduce(
        (sum, client) => sum + client.handles,
        this.scene.firstTimer,
      );
      const client = new Client(
        {
          initiator: index,
          device,
          sectors,
          first: Math.min(first, sectors - 1),
          end: Math.min(end, sectors),
          base,
          random: random.fork(`device ${device}`),
        },
        part,
        rules,
      );
      this.clients.push(client);
      this.scene.addClient(client);
    }
  }

  /** The cores as they are now, the scene's last: what the others have ended happens after them. */
  private gather(): void {
    let at = 0;
    for (const machine of this.machines) this.cores[at++] = machine.core;
    for (const initiator of this.initiators) this.cores[at++] = initiator;
    this.cores[at] = this.scene;
  }

  /** Asks for devices that were not found or not identified; whether there are any. */
  private poll(): boolean {
    let missing = false;
    for (const client of this.clients) {
      const initiator = this.initiators[client.place.initiator] as Initiator;
      if (client.device !== null) continue;
      const device = initiator.device({ major: client.place.device + 1, minor: 0 });
      initiator.begin(this.clock.now());
      if (device === undefined) {
        missing = true;
        initiator.discover();
      } else if (device.sectors === 0) {
        missing = true;
        device.identify();
      } else {
        client.start(device);
      }
    }
    return missing;
  }

  go(): void {
    for (const [index, initiator] of this.initiators.entries()) {
      initiator.onEvent = (device, event) => {
        if (event !== "identified") return;
        for (const client of this.clients) {
          if (client.place.initiator !== index || client.place.device + 1 !== device.major)
            continue;
          if (device.minor === 0) client.start(device);
        }
      };
    }
    // Asked after every slice: the one that was not through last time is asked first.
    let unfinished = 0;
    const { clients } = this;
    const through = () => {
      for (let asked = 0; asked < clients.length; asked++) {
        if (unfinished >= clients.length) unfinished = 0;
        if (!(clients[unfinished] as Client).through) return false;
        unfinished++;
      }
      return true;
    };
    this.run(through, this.scenario.calmAt);
    this.hooks.loaded?.(this.figures());
    this.calmDown();
    const ends = this.longest() + SETTLE + this.pace(({ mostFrames }) => mostFrames);
    if (!this.run(through, this.clock.now() + ends)) throw this.unended("the faults ended", ends);
    if (!this.traits.corrupts && !this.traits.starving) {
      const found = () => this.clients.every((client) => client.device !== null);
      if (!this.run(found, this.clock.now() + SETTLE)) {
        throw new Violation("liveness", "a device was not found again after the faults ended");
      }
      for (const client of this.clients) client.check();
      const checked = SETTLE + this.pace(({ place }) => place.sectors + 2);
      if (!this.run(through, this.clock.now() + checked)) {
        throw this.unended("the last checks began", checked);
      }
    }
    this.checkTargets();
    this.close();
  }

  private run(until: () => boolean, deadline: number): boolean {
    return runVirtual(this.cores, this.clock, until, deadline);
  }

  /** A dry pool that gets a buffer now and then makes progress, and silence is counted from the last of it. */
  private longest(): number {
    const timeout = Math.max(...this.scenario.initiators.map((part) => part.timeout));
    return this.traits.starving ? STARVING * timeout : timeout;
  }

  private calmDown(): void {
    for (const client of this.clients) client.stop();
    for (const link of this.faults) link.setPlan(NO_FAULTS);
    for (const machine of this.machines) machine.calmDown();
    this.scene.calmDown();
    this.gather();
  }

  /** A pool of one buffer that only its kick drives sends one frame a kick: ns for so many of each client. */
  private pace(frames: (client: Client) => number): number {
    let ns = 0;
    for (const client of this.clients) {
      const { kick } = this.scenario.initiators[client.place.initiator] as InitiatorPart;
      ns += frames(client) * (kick === "on-release" ? SLOWEST_RELEASE : kick);
    }
    return ns;
  }

  private unended(since: string, after: number): Violation {
    const waiting = this.clients.reduce((sum, client) => sum + client.out, 0);
    return new Violation(
      "liveness",
      `${waiting} commands had not ended ${formatDuration(after)} after ${since}`,
    );
  }

  /** P12 from the other side: a target that meets neither loss nor delay has room for all that comes. */
  private checkTargets(): void {
    if (!this.traits.clean || this.sum(({ counters }) => counters.retransmits) > 0) return;
    for (const { target } of this.machines) {
      for (const { counters } of target?.ports ?? []) {
        if (counters.overBufferCount > 0) {
          throw new Violation(
            "window",
            `a target had to drop ${counters.overBufferCount} requests above its buffer count`,
          );
        }
      }
    }
  }

  private close(): void {
    const now = this.clock.now();
    for (const { devices } of this.initiators) {
      for (const { pools } of devices) {
        for (const pool of pools) {
          if (pool === null) continue;
          pool.check();
          if (!littlesLaw(pool.snapshot(now)).holds) {
            throw new Violation("pool", "mean occupancy is not throughput times mean hold time");
          }
        }
      }
    }
    // A driver that cleans when it transmits or receives does so no more; what it holds is a leak, and said to be.
    const closed = () => this.initiators.every((initiator) => initiator.close());
    if (!this.run(closed, now + TEARDOWN) && !this.traits.starving) {
      throw new Violation("pool", "buffers were not back when everything had ended");
    }
  }

  private sum(figure: (device: Initiator["devices"][number]) => number): number {
    let sum = 0;
    for (const { devices } of this.initiators) for (const device of devices) sum += figure(device);
    return sum;
  }

  private sumPools(key: "dry" | "kicks" | "kickStall" | "allocations"): number {
    return this.sum(({ pools }) => {
      let sum = 0;
      for (const pool of pools) if (pool !== null) sum += pool.metrics[key];
      return sum;
    });
  }

  private sumPorts(key: "duplicatesDropped" | "duplicatesAnswered"): number {
    let sum = 0;
    for (const { target } of this.machines) {
      for (const { counters } of target?.ports ?? []) sum += counters[key];
    }
    return sum;
  }

  figures(): Figures {
    const outcome = (which: number) =>
      this.clients.reduce((sum, client) => sum + (client.outcomes[which] as number), 0);
    return {
      commands: this.scene.ended,
      frames: this.wires.reduce((sum, wire) => sum + wire.counters.transmitted, 0),
      virtual_ns: this.clock.now(),
      ok: outcome(0),
      ata_errors: outcome(1),
      aoe_errors: outcome(2),
      timeouts: outcome(3),
      cancelled: outcome(4),
      retransmits: this.sum(({ counters }) => counters.retransmits),
      held_back: this.sum(({ counters }) => counters.heldBack),
      duplicates_dropped: this.sumPorts("duplicatesDropped"),
      duplicates_answered: this.sumPorts("duplicatesAnswered"),
      dry: this.sumPools("dry"),
      kicks: this.sumPools("kicks"),
      kick_stall_ns: this.sumPools("kickStall"),
      allocations: this.sumPools("allocations"),
      fall_backs: this.sum(({ counters }) => counters.fallBacks),
      crashes: this.machines.reduce((sum, machine) => sum + machine.crashes, 0),
      sectors_lost: this.disks.reduce((sum, disk) => sum + disk.lost, 0),
      stale_writes: this.disks.reduce((sum, disk) => sum + disk.staleWrites, 0),
    };
  }
}

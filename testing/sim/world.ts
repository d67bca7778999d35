// The world of one run, built from its scenario: switch, machines with their disks and processes, initiators,
// clients, and the checkers between them. What happens in it is simulate.ts's.

import { createInitiator, type Initiator } from "../../initiator/protocol/initiator.ts";
import { createPool } from "../../initiator/pool/buffer_pool.ts";
import { parseFaults } from "../../link/fault_plan.ts";
import { createFaults, type FaultLink } from "../../link/faults.ts";
import type { Link } from "../../link/link.ts";
import type { Core } from "../../link/loop.ts";
import { createMemorySwitch, type MemorySwitch } from "../../link/memory.ts";
import { createReclaim } from "../../link/reclaim.ts";
import { parseReclaim } from "../../link/reclaim_model.ts";
import { createVirtualClock } from "../../link/virtual_clock.ts";
import type { Store } from "../../target/stores/store.ts";
import { createRandom, type Random } from "../../words/random.ts";
import { Client, type ClientRules } from "./client.ts";
import { CrashStore } from "./crash_store.ts";
import { History } from "./history.ts";
import { DEAD, LATE_SHARE, LATE_SLOTS, Machine } from "./machine.ts";
import { PinWatch } from "./pin_watch.ts";
import { createRival } from "./rival.ts";
import {
  type InitiatorPart,
  type Scenario,
  type TargetPart,
  type Traits,
  traitsOf,
} from "./scenario.ts";
import { Scene } from "./scene.ts";
import { Trace } from "./trace.ts";
import { Violation } from "./violation.ts";
import { Asked, WireLink, type WireRules } from "./wire.ts";

/** What tests put between the parts, to see that the checkers find it. */
export interface Wrappers {
  /** Around an initiator's late link, below the watch over its buffers. */
  readonly link?: (link: Link) => Link;
  /** Around a target's store. */
  readonly store?: (store: Store) => Store;
}

/** Room for frames under way to a port. */
const QUEUE_FRAMES = 128;
const FIRST_MAC = 0x0200_0000_0100;
const NO_FAULTS = parseFaults("", "faults");

export class World {
  readonly clock = createVirtualClock();
  readonly trace = new Trace();
  readonly scenario: Scenario;
  readonly traits: Traits;
  readonly wires: readonly WireLink[];
  readonly disks: CrashStore[] = [];
  readonly machines: Machine[] = [];
  readonly initiators: Initiator[] = [];
  readonly clients: Client[] = [];
  readonly scene: Scene;
  /** As they are now: a crash changes one of them. */
  readonly cores: Core[] = [];
  private readonly hooks: Wrappers;
  private readonly network: MemorySwitch;
  private readonly history: History;
  private readonly faults: FaultLink[] = [];
  /** By target, where there are any in the scenario: as many cores as at the start, since a run counts them there. */
  private readonly rivals: Core[] = [];

  constructor(scenario: Scenario, hooks: Wrappers) {
    const { targets, initiators, latency, mtu } = scenario;
    this.scenario = scenario;
    this.hooks = hooks;
    this.traits = traitsOf(scenario);
    const random = createRandom(scenario.seed).fork("run");
    let ports = 0;
    for (const { ports: count } of targets) ports += count;
    for (const { links: count } of initiators) ports += count;
    const rivals = scenario.events.some(({ kind }) => kind === "claim") ? targets.length : 0;
    for (let rival = 0; rival < rivals; rival++) this.rivals.push(DEAD);
    this.network = createMemorySwitch({
      clock: this.clock,
      latency,
      mtu,
      queueFrames: mtu > 2000 ? QUEUE_FRAMES / 4 : QUEUE_FRAMES,
      macs: Array.from({ length: ports + rivals }, (_, port) => FIRST_MAC + port),
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
      {
        wires: this.wires,
        isSettled: () => this.clients.every(({ device }) => device !== null),
        claim: (target, on) => this.claim(target, ports + target, on),
      },
    );
    for (const [index, part] of initiators.entries()) {
      this.addClients(index, part, random.fork(`load ${index}`));
    }
    this.listen();
    this.gather();
  }

  /** A client starts when its device is identified. */
  private listen(): void {
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
  }

  private addMachine(index: number, part: TargetPart, port: number, random: Random): void {
    const { corrupts, sameCopies } = this.traits;
    const disk = new CrashStore(
      index,
      part.sectors,
      {
        stamped: !corrupts,
        noStale: true,
        noDuplicates: sameCopies,
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

  private addInitiator(index: number, part: InitiatorPart, port: number, random: Random): void {
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

  private wrap(wire: WireLink, part: InitiatorPart, random: Random): Link {
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

  /** P12, at every transmit. */
  private windowCheck(index: number): (() => void) | null {
    const { targets } = this.scenario;
    if (this.traits.corrupts) return null;
    return () => {
      const { devices } = this.initiators[index] as Initiator;
      for (let at = 0; at < devices.length; at++) {
        const device = devices[at];
        if (device === undefined) continue;
        const most = targets[device.major - 1]?.bufferCount ?? 0;
        if (device.inFlight > most) {
          throw new Violation(
            "window",
            `${device.inFlight} frames are out at a target with ${most} buffers`,
          );
        }
      }
    };
  }

  private addClients(index: number, part: InitiatorPart, random: Random) {
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

  /** A rival of target number `target` appears by the switch's port `port`, or is gone. */
  private claim(target: number, port: number, on: boolean): void {
    const there = this.rivals[target] !== DEAD;
    if (there === on) return;
    const wire = this.wires[port] as WireLink;
    if (on) {
      this.network.up(port);
      this.rivals[target] = createRival(target, wire);
    } else {
      this.network.down(port);
      wire.onChange = null;
      this.rivals[target] = DEAD;
    }
    this.gather();
  }

  /** The cores as they are now, the scene's last: what the others have ended happens after them. */
  gather(): void {
    let at = 0;
    for (const machine of this.machines) this.cores[at++] = machine.core;
    for (const initiator of this.initiators) this.cores[at++] = initiator;
    for (const rival of this.rivals) this.cores[at++] = rival;
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

  /** No faults, service models and events any more, and nothing new from the clients. */
  calmDown(): void {
    for (const client of this.clients) client.stop();
    for (const link of this.faults) link.setPlan(NO_FAULTS);
    for (const machine of this.machines) machine.calmDown();
    this.scene.calmDown();
    this.gather();
  }
}

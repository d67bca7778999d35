// What happens to the others: flaps, crashes, changes of MTU, address and size, each when so many commands have ended,
// and the clock of the clients' pauses and withdrawals. A core like any other, without ports.

import { createDeadlines } from "../../link/deadlines.ts";
import type { Core } from "../../link/loop.ts";
import type { MemoryControl } from "../../link/memory.ts";
import type { Client } from "./client.ts";
import type { Machine } from "./machine.ts";
import type { Scenario, ScenarioEvent } from "./scenario.ts";
import type { WireLink } from "./wire.ts";

/** Devices that were not found are asked for again after this, ns. */
const POLL = 100e6;
const POLLING = 0;
/** Of ports that get another one. */
const FRESH_MAC = 0x0200_0000_1000;

/** What events need of the world. */
export interface Stage {
  readonly wires: readonly WireLink[];
  /** The devices of all clients are known: nobody takes a rival for the first of them. */
  readonly isSettled: () => boolean;
  /** A rival of target number so is there, or no more. */
  readonly claim: (target: number, on: boolean) => void;
}

export class Scene implements Core {
  readonly ports = [];
  /** Commands that have ended, over all clients. */
  ended = 0;
  private readonly scenario: Scenario;
  private readonly control: MemoryControl;
  private readonly machines: readonly Machine[];
  private readonly poll: () => boolean;
  private readonly deadlines = createDeadlines(64);
  /** By timer handle, counted from `firstTimer`. */
  private readonly clients: Client[] = [];
  private nextEvent = 0;
  private calm = false;
  private readonly onCores: () => void;
  private readonly stage: Stage;
  private macs = 0;
  /** How often each kind of event has happened. */
  readonly happened = new Map<ScenarioEvent["kind"], number>();

  /** `poll` asks for what has not been found yet; true: there is something to ask for. `onCores`: a machine's core is another. */
  constructor(
    scenario: Scenario,
    control: MemoryControl,
    machines: readonly Machine[],
    poll: () => boolean,
    onCores: () => void,
    stage: Stage,
  ) {
    this.scenario = scenario;
    this.control = control;
    this.machines = machines;
    this.poll = poll;
    this.onCores = onCores;
    this.stage = stage;
    this.deadlines.set(POLLING, 0);
  }

  /** Handles of timers start here: those below are the events' ends. */
  get firstTimer(): number {
    return 1 + this.scenario.events.length;
  }

  /** The client's timers stand at `base` and above, one for each of its slots. */
  addClient(client: Client): void {
    for (let slot = 0; slot < client.handles; slot++) this.clients.push(client);
  }

  timer(handle: number, at: number): void {
    this.deadlines.set(handle, at);
  }

  begin(): void {}

  advance(now: number): void {
    const { events } = this.scenario;
    while (this.isEventDue()) this.start(this.nextEvent++, now);
    for (;;) {
      const handle = this.deadlines.pop(now);
      if (handle < 0) return;
      if (handle === POLLING) {
        if (this.poll()) this.deadlines.set(POLLING, now + POLL);
      } else if (handle <= events.length) {
        this.finish(events[handle - 1] as ScenarioEvent);
      } else {
        const client = this.clients[handle - this.firstTimer] as Client;
        client.fire(handle - client.place.base);
      }
    }
  }

  nextDeadline(): number {
    return this.isEventDue() ? -Infinity : this.deadlines.next();
  }

  private isEventDue(): boolean {
    if (this.calm) return false;
    const event = this.scenario.events[this.nextEvent];
    return event !== undefined && event.after <= this.ended;
  }

  private start(index: number, now: number): void {
    const event = this.scenario.events[index] as ScenarioEvent;
    const { control } = this;
    switch (event.kind) {
      case "flap":
        control.down(event.port);
        break;
      case "congest":
        control.congest(event.port, true);
        break;
      case "mtu":
        control.setMtu(event.mtu, event.port < 0 ? undefined : event.port);
        return;
      case "crash":
      case "takeover":
        this.machines[event.target]?.crash();
        this.onCores();
        break;
      case "obstruct":
        control.obstruct(event.port, event.longest);
        break;
      case "swallow":
        (this.stage.wires[event.port] as WireLink).longest = event.longest;
        break;
      case "mac":
        control.setMac(event.port, this.freshMac());
        this.count(event);
        return;
      case "claim":
        if (!this.stage.isSettled()) return;
        this.stage.claim(event.target, true);
        break;
      case "resize":
        this.machines[event.target]?.resize(
          Math.min(event.sectors, this.scenario.targets[event.target]?.sectors ?? 0),
        );
        break;
    }
    this.count(event);
    this.deadlines.set(1 + index, now + event.for);
  }

  private finish(event: ScenarioEvent): void {
    const { control } = this;
    switch (event.kind) {
      case "flap":
        control.up(event.port);
        break;
      case "congest":
        control.congest(event.port, false);
        break;
      case "mtu":
        break;
      case "crash":
        this.machines[event.target]?.restart();
        this.onCores();
        break;
      case "takeover":
        this.machines[event.target]?.restart(() => this.freshMac());
        this.onCores();
        break;
      case "obstruct":
        control.obstruct(event.port, Infinity);
        break;
      case "swallow":
        (this.stage.wires[event.port] as WireLink).longest = Infinity;
        break;
      case "mac":
        break;
      case "claim":
        this.stage.claim(event.target, false);
        break;
      case "resize":
        this.machines[event.target]?.resize(this.scenario.targets[event.target]?.sectors ?? 0);
        break;
    }
  }

  private freshMac(): number {
    return FRESH_MAC + this.macs++;
  }

  private count({ kind }: ScenarioEvent): void {
    this.happened.set(kind, (this.happened.get(kind) ?? 0) + 1);
  }

  /** Ends every event and begins no other. */
  calmDown(): void {
    this.calm = true;
    for (let index = 0; index < this.nextEvent; index++) {
      this.deadlines.clear(1 + index);
      this.finish(this.scenario.events[index] as ScenarioEvent);
    }
    this.deadlines.set(POLLING, 0);
  }
}

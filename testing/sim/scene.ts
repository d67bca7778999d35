// What happens to the others: flaps, crashes, changes of the MTU, each when so many commands have ended, and
// the clock of the clients' pauses and withdrawals. A core like any other, without ports.

import { createDeadlines } from "../../link/deadlines.ts";
import type { Core } from "../../link/loop.ts";
import type { MemoryControl } from "../../link/memory.ts";
import type { Client } from "./client.ts";
import type { Machine } from "./machine.ts";
import type { Scenario, ScenarioEvent } from "./scenario.ts";

/** Devices that were not found are asked for again after this, ns. */
const POLL = 100e6;
const POLLING = 0;

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

  /** `poll` asks for what has not been found yet; true: there is something to ask for. `onCores`: a machine's core is another. */
  constructor(
    scenario: Scenario,
    control: MemoryControl,
    machines: readonly Machine[],
    poll: () => boolean,
    onCores: () => void,
  ) {
    this.scenario = scenario;
    this.control = control;
    this.machines = machines;
    this.poll = poll;
    this.onCores = onCores;
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
        this.machines[event.target]?.crash();
        this.onCores();
        break;
    }
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
    }
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

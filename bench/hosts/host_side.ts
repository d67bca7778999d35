// The host's end of a session: carries out orders, and ends everything that it has begun when its
// controller ends, says so, or is silent for the length of the lease.
//
//   an order        renews the lease, is carried out, is answered by its number
//   end of stdin    end          10 s of silence    end          `end`    end
//   end             processes killed, settings put back, folders removed, the interface let go
//
// Time, processes and the machine come in as HostWorld.

import { failed, Failure } from "../../words/failure.ts";
import {
  type HostEvent,
  type Answer,
  LEASE,
  type Look,
  type Numbered,
  type Order,
  type ExitEvent,
  readOrder,
} from "./host_orders.ts";

export interface Started {
  readonly pid: number;
  write(text: string): void;
  kill(signal: "SIGTERM" | "SIGKILL"): void;
}

export type Of<Name extends Order["order"]> = Extract<Order, { readonly order: Name }>;

export interface HostWorld {
  now(): number;
  send(message: HostEvent | Answer): void;
  look(order: Of<"look">): Promise<Look>;
  /** Its path. */
  image(order: Of<"image">): string;
  start(
    order: Of<"start">,
    told: { line(text: string): void; exit(event: Omit<ExitEvent, "event" | "name">): void },
  ): Started;
  /** What it reads back. */
  set(order: Of<"set">): Promise<Readonly<Record<string, string>>>;
  /** Removes the cache folder. */
  clean(): void;
  /** Puts back settings, removes folders, lets the interface go. At once. */
  leave(): void;
}

export class HostSide {
  private readonly world: HostWorld;
  private readonly running = new Map<string, Started>();
  private heardAt: number;
  private over = false;

  constructor(world: HostWorld) {
    this.world = world;
    this.heardAt = world.now();
  }

  get ended(): boolean {
    return this.over;
  }

  /** A line of the controller's. */
  async take(line: string): Promise<void> {
    if (this.over) return;
    this.heardAt = this.world.now();
    const order = readOrder(line);
    if (order === null) {
      this.world.send({ event: "say", text: `not an order: ${line.slice(0, 80)}` });
      return;
    }
    const { id } = order;
    try {
      const answer = await this.carryOut(order);
      if (order.order === "end") this.end();
      this.world.send({ id, answer });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.world.send({ id, failure: error.message, code: error.exitCode });
    }
  }

  /** Now and then, by the clock. */
  tick(): void {
    if (this.world.now() - this.heardAt >= LEASE) this.end();
  }

  /** Ends everything; again nothing. */
  end(): void {
    if (this.over) return;
    this.over = true;
    for (const process of this.running.values()) process.kill("SIGKILL");
    this.running.clear();
    this.world.leave();
  }

  private carryOut(order: Numbered): unknown {
    switch (order.order) {
      case "renew":
      case "end":
        return null;
      case "clock":
        return this.world.now();
      case "look":
        return this.world.look(order);
      case "clean":
        return this.world.clean();
      case "image":
        return this.world.image(order);
      case "set":
        return this.world.set(order);
      case "start":
        return this.start(order);
      case "write":
        return this.named(order.name).write(order.text);
      case "kill":
        // It may have ended by itself.
        return this.running.get(order.name)?.kill(order.signal);
    }
  }

  private start(order: Of<"start">): number {
    const { name } = order;
    if (this.running.has(name)) throw refused(`${name} runs already`);
    const started = this.world.start(order, {
      line: (text) => {
        if (!this.over) this.world.send({ event: "line", name, text });
      },
      exit: (event) => {
        this.running.delete(name);
        if (!this.over) this.world.send({ event: "exit", name, ...event });
      },
    });
    this.running.set(name, started);
    return started.pid;
  }

  private named(name: string): Started {
    const found = this.running.get(name);
    if (found === undefined) throw refused(`${name} does not run`);
    return found;
  }
}

function refused(sentence: string): Failure {
  return failed(sentence);
}

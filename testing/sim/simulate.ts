// One run: a scenario in, a verdict out. Nothing else decides what happens in it.
//
//   build ─▶ load, with faults ─▶ calm ─▶ all that is out ends ─▶ last checks ─▶ close
//            │ until every client is         │ within a bound        │ every sector is read,
//            │ through, or `calmAt`          │                       │ all must end well

import { SILENCE } from "../../initiator/protocol/path_set.ts";
import { littlesLaw } from "../../initiator/pool/littles_law.ts";
import { runVirtual } from "../../link/virtual_clock.ts";
import { shownTime } from "../../words/shown.ts";
import { S } from "../../words/quantity.ts";
import type { Path } from "../../initiator/protocol/path.ts";
import type { Client } from "./client.ts";
import { type Figures, figuresOf, sumDevices } from "./figures.ts";
import type { InitiatorPart, Scenario } from "./scenario.ts";
import { type Checker, Violation } from "./violation.ts";
import { World, type Wrappers } from "./world.ts";

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

/** What tests and tables ask of a run. */
export interface Hooks extends Wrappers {
  /** Called when the load is over and before the calm, with the figures as they stand. */
  readonly loaded?: (figures: Figures) => void;
}

/** After the faults: a packet life, the longest RTO twice, a probe of a path, a kick; ns. */
const SETTLE = 6 * S;
/** A path that has fallen back is probed once a minute at least, ns. */
const EARN_BACK = 130 * S;
/** How long the link may hold buffers after the end: what teardown waits, and the models' longest. */
const TEARDOWN = 4 * S;
const STARVING = 4;
/** Of the reclaim models, ns. */
const SLOWEST_RELEASE = 10e6;

export function simulate(scenario: Scenario, hooks: Hooks = {}): Verdict {
  const world = new World(scenario, hooks);
  let failure: Failing | null = null;
  try {
    new Run(world, hooks).go();
  } catch (error) {
    failure = describe(error, world.clock.now());
  }
  return { failure, hash: world.trace.toString(), figures: figuresOf(world) };
}

function describe(error: unknown, at: number): Failing {
  if (error instanceof Violation) {
    return { checker: error.checker, message: error.message, at, stack: null };
  }
  const thrown = error instanceof Error ? error : new Error(String(error));
  return { checker: "invariant", message: thrown.message, at, stack: thrown.stack ?? null };
}

class Run {
  private readonly world: World;
  private readonly hooks: Hooks;

  constructor(world: World, hooks: Hooks) {
    this.world = world;
    this.hooks = hooks;
  }

  go(): void {
    // Asked after every slice: the one that was not through last time is asked first.
    let unfinished = 0;
    const { clients } = this.world;
    const through = () => {
      for (let asked = 0; asked < clients.length; asked++) {
        if (unfinished >= clients.length) unfinished = 0;
        if (!(clients[unfinished] as Client).through) return false;
        unfinished++;
      }
      return true;
    };
    this.run(through, this.world.scenario.calmAt);
    this.hooks.loaded?.(figuresOf(this.world));
    this.world.calmDown();
    const ends = this.longest() + SETTLE + this.pace(({ mostFrames }) => mostFrames);
    if (!this.run(through, this.world.clock.now() + ends))
      throw this.unended("the faults ended", ends);
    if (!this.world.traits.corrupts && !this.world.traits.starving) {
      const found = () => this.world.clients.every((client) => client.device !== null);
      if (!this.run(found, this.world.clock.now() + SETTLE)) {
        throw new Violation("liveness", "a device was not found again after the faults ended");
      }
      for (const client of this.world.clients) client.check();
      const checked = SETTLE + this.pace(({ place }) => place.sectors + 2);
      if (!this.run(through, this.world.clock.now() + checked)) {
        throw this.unended("the last checks began", checked);
      }
      this.checkSizes();
    }
    this.checkTargets();
    this.close();
  }

  private run(until: () => boolean, deadline: number): boolean {
    return runVirtual(this.world.cores, this.world.clock, until, deadline);
  }

  /** A dry pool that gets a buffer now and then makes progress, and silence is counted from the last of it. */
  private longest(): number {
    const timeout = Math.max(...this.world.scenario.initiators.map((part) => part.timeout));
    return this.world.traits.starving ? STARVING * timeout : timeout;
  }

  /**
   * A pool of one buffer that only its kick drives sends one frame a kick, and one whose buffer comes back with the next
   * transmit sends it after the question that a silence brings: ns for so many of each client.
   */
  private pace(frames: (client: Client) => number): number {
    const { starving } = this.world.traits;
    let ns = 0;
    for (const client of this.world.clients) {
      const { kick } = this.world.scenario.initiators[client.place.initiator] as InitiatorPart;
      const each = kick === "on-release" ? SLOWEST_RELEASE : kick;
      ns += frames(client) * (starving ? each + SILENCE : each);
    }
    return ns;
  }

  private unended(since: string, after: number): Violation {
    const waiting = this.world.clients.reduce((sum, client) => sum + client.out, 0);
    return new Violation(
      "liveness",
      `${waiting} commands had not ended ${shownTime(after)} after ${since}`,
    );
  }

  /** Nothing gets lost for its size any more: every path is asked for frames as large as it carries, sooner or later. */
  private checkSizes(): void {
    const isWhole = ({ alive, reads, writes }: Path) =>
      !alive || (reads.fellBackAt < 0 && writes.fellBackAt < 0);
    const whole = () =>
      this.world.initiators.every(({ devices }) =>
        devices.every(({ paths }) => paths.every(isWhole)),
      );
    if (!this.run(whole, this.world.clock.now() + EARN_BACK)) {
      throw new Violation("liveness", "a path was not asked for large frames again");
    }
  }

  /** P12 from the other side: a target that meets neither loss nor delay has room for all that comes. */
  private checkTargets(): void {
    if (
      !this.world.traits.clean ||
      sumDevices(this.world, ({ counters }) => counters.retransmits) > 0
    )
      return;
    for (const { target } of this.world.machines) {
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
    const now = this.world.clock.now();
    for (const { devices } of this.world.initiators) {
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
    const closed = () => this.world.initiators.every((initiator) => initiator.close());
    if (!this.run(closed, now + TEARDOWN) && !this.world.traits.starving) {
      throw new Violation("pool", "buffers were not back when everything had ended");
    }
  }
}

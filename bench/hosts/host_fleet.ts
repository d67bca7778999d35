// All hosts of a run: connected at once, looked at, their clocks measured; ended together.
//
//   connect (6 logins at a time) ─ look, hold the interface ─ check ─ clocks ─▶ trials … ─▶ end
//
// Interfaces are held in the order of the hosts' names, so that two runs don't wait for each other.

import { join } from "node:path";
import * as v from "valibot";
import { userInfo } from "node:os";
import { environment, Failure } from "../../words/failure.ts";
import type { Host } from "../job/hosts.ts";
import type { ClockEstimate } from "./clock_offset.ts";
import { type Part, runtimePart, treePart } from "./delivery.ts";
import { faultsOf, faultsTogether, type Seen } from "./host_checks.ts";
import { type Connected, connectHost, type Parts } from "./host_connect.ts";
import { type Look, LookSchema } from "./host_orders.ts";
import type { HostSession } from "./host_session.ts";

/** MaxStartups of a jump host is 10 as it comes. */
const LOGINS = 6;
/** ms that a host has to put back and to end. */
const END_WAIT = 5000;
/** ms between two looks at the leases. */
const TICK = 250;

export interface Member {
  readonly host: Host;
  readonly look: Look;
  readonly connected: Connected;
}

export interface FleetEvents {
  readonly say: (sentence: string) => void;
}

export class HostFleet {
  readonly members = new Map<string, Member>();
  private readonly parts: Parts;
  private readonly trees = new Map<string, Part>();
  private readonly events: FleetEvents;
  private readonly timer: ReturnType<typeof setInterval>;

  private constructor(programs: readonly string[], events: FleetEvents) {
    for (const program of programs) this.trees.set(program, treePart(program));
    this.parts = { runtime: runtimePart(), trees: [...this.trees.values()] };
    this.events = events;
    this.timer = setInterval(() => this.tick(), TICK);
  }

  /** Throws the environment Failure where hosts can't take part; all that is wrong is said. */
  static async open(
    hosts: readonly Host[],
    programs: readonly string[],
    events: FleetEvents,
    signal?: AbortSignal,
  ): Promise<HostFleet> {
    const fleet = new HostFleet(programs, events);
    try {
      await fleet.join(hosts, signal);
      return fleet;
    } catch (error) {
      await fleet.close();
      throw error;
    }
  }

  /** A host that was lost, or is to come anew. */
  async rejoin(name: string, signal?: AbortSignal): Promise<void> {
    const host = this.member(name).host;
    this.members.delete(name);
    await this.join([host], signal);
  }

  member(name: string): Member {
    const found = this.members.get(name);
    if (found === undefined) throw new Error(`invariant: ${name} is a host of the run`);
    return found;
  }

  session(name: string): HostSession {
    return this.member(name).connected.session;
  }

  /** The words by which a program under test is started on a host. */
  programOn(name: string, program: string): readonly [bun: string, aoe: string] {
    const { bun, root } = this.member(name).connected;
    const hash = this.trees.get(program)?.hash ?? "";
    const first = this.parts.trees[0]?.hash;
    const own = hash === first ? root : join(root, "..", `tree-${hash}`);
    return [bun, join(own, "aoe.ts")];
  }

  /** How their clocks stand to ours, all at once. */
  async clocks(names: readonly string[]): Promise<Map<string, ClockEstimate>> {
    const found = await Promise.all(
      names.map(async (name) => [name, await this.session(name).clock()] as const),
    );
    return new Map(found);
  }

  /** Ends all hosts: what ran there is killed, settings are put back. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(
      [...this.members.values()].map(async ({ connected }) => {
        const { session, closed, kill } = connected;
        if (!session.isLost) session.ask({ order: "end" }).catch(() => {});
        await Promise.race([closed, Bun.sleep(END_WAIT)]);
        kill();
      }),
    );
    this.members.clear();
  }

  private tick(): void {
    for (const { connected } of this.members.values()) connected.session.tick();
  }

  private async join(hosts: readonly Host[], signal: AbortSignal | undefined): Promise<void> {
    const connected = await this.connectAll(hosts, signal);
    const seen: Seen[] = [];
    const by = userInfo().username;
    for (const host of hosts.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      signal?.throwIfAborted();
      const one = connected.get(host);
      if (one === undefined) continue;
      const answer = await one.session.ask({
        order: "look",
        interface: host.interface ?? "",
        by,
        cpus: host.cpus === undefined ? null : [...host.cpus],
        folder: host.folder ?? null,
      });
      const look = v.parse(LookSchema, answer);
      this.members.set(host.name, { host, look, connected: one });
      seen.push({ host, look });
    }
    const faults = seen.flatMap(faultsOf);
    this.refuse(faults.length > 0 ? faults : faultsTogether(seen), hosts.length);
  }

  private async connectAll(
    hosts: readonly Host[],
    signal: AbortSignal | undefined,
  ): Promise<Map<Host, Connected>> {
    const connected = new Map<Host, Connected>();
    const faults: string[] = [];
    const left = [...hosts];
    const worker = async (): Promise<void> => {
      for (let host = left.shift(); host !== undefined; host = left.shift()) {
        signal?.throwIfAborted();
        try {
          const one = await connectHost(host, this.parts, this.events.say, signal);
          connected.set(host, one);
          if (one.put > 0) this.events.say(`${host.name}: ${megabytes(one.put)} put there`);
        } catch (error) {
          if (!(error instanceof Failure) || signal?.aborted === true) throw error;
          faults.push(error.message);
        }
      }
    };
    try {
      await Promise.all(Array.from({ length: LOGINS }, worker));
      this.refuse(faults, hosts.length);
      return connected;
    } catch (error) {
      for (const one of connected.values()) {
        one.session.ask({ order: "end" }).catch(() => {});
        await Promise.race([one.closed, Bun.sleep(END_WAIT)]);
        one.kill();
      }
      throw error;
    }
  }

  /** All that is wrong, each in its own line; the last is the Failure's. */
  private refuse(faults: readonly string[], hosts: number): void {
    const [first, ...others] = faults;
    if (first === undefined) return;
    if (others.length === 0) throw environment(first);
    for (const fault of faults) this.events.say(fault);
    throw environment(`${faults.length} faults in ${hosts} hosts, so nothing was run`);
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

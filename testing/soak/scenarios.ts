// Load and soak over raw sockets, each bounded in count and time: what must hold is a sentence each, and a run
// tells its figures. They run within a lab, whose pair is a0 and b0.

import type { ClosingFigures } from "../../bench/machine/closing_figures.ts";
import { createFaults, type FaultLink } from "../../link/faults.ts";
import { parseFaults } from "../../link/fault_plan.ts";
import { createRandom } from "../../words/random.ts";
import { shownTime } from "../../words/shown.ts";
import { apart, FAULT_PLANS, inTheory, inTheWorld, OTHER_PLANS } from "./fault_check.ts";
import { Pump } from "./pump.ts";
import { severalCores } from "../../link/several_cores.ts";
import { ip, SECTORS, SoakWorld } from "./world.ts";

export interface SoakOutcome {
  readonly name: string;
  /** What did not hold, a sentence each; none: all did. */
  readonly broken: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
}

export interface Scenario {
  readonly name: string;
  readonly about: string;
  /** Whether memory and descriptors of both processes must stay as they are (default true). */
  readonly flat?: boolean;
  /** `ns`: about how long the load lasts. */
  run(world: SoakWorld, ns: number, found: Findings): Promise<void>;
}

/** What is outstanding when the load stops has this long to end, ns. */
const DRAIN = 30e9;

/** Sizes that count as flat: growth from the second third of a run to the last, in bytes. */
const FLAT_BYTES = 16 << 20;

/** Descriptors that Bun holds for a child (`ip`, in mid-run), for a while. */
const CHILD = 2;

class Findings {
  readonly broken: string[] = [];
  readonly figures: Record<string, number> = {};

  expect(holds: boolean, otherwise: string): void {
    if (!holds) this.broken.push(otherwise);
  }

  /** Memory and descriptors of both processes stay as they are. */
  flat(world: SoakWorld): void {
    for (const [name, track] of [
      ["initiator", world.ours],
      ["target", world.theirs],
    ] as const) {
      const middle = track.peak(1 / 3, 2 / 3);
      const end = track.peak(2 / 3, 1);
      const [fewest, most] = track.descriptors;
      this.figures[`${name}_rss_middle_bytes`] = middle;
      this.figures[`${name}_rss_end_bytes`] = end;
      this.figures[`${name}_descriptors`] = most;
      this.expect(
        end - middle <= FLAT_BYTES,
        `the ${name} grows: ${middle} bytes resident in the middle, ${end} at the end`,
      );
      this.expect(most - fewest <= CHILD, `the ${name} had ${fewest} to ${most} descriptors open`);
    }
  }

  /** Requests that the target dropped beyond a bound; null: it told no figures, which does not hold either. */
  beyond(target: ClosingFigures | null): number | null {
    this.expect(target !== null, "no data of the target: it wrote no figures as it ended");
    if (target === null) return null;
    this.figures["beyond_buffer_count"] = target.beyond;
    return target.beyond;
  }
}

const depth: Scenario = {
  name: "depth",
  about: "4096 commands at once against a buffer count of 16",
  async run(world, ns, found) {
    world.startTarget(["-b", "16"]);
    const initiator = world.open("a0");
    const device = await world.find(initiator);
    const pump = new Pump(device, createRandom(1), SECTORS);
    pump.start(4096);
    await world.run(initiator, () => false, ns);
    pump.stop();
    const ended = await world.run(initiator, () => pump.over, DRAIN);
    const { good, failed, timeouts, mostOutstanding } = pump.counters;
    const beyond = found.beyond(await world.stopTarget());
    Object.assign(found.figures, {
      commands: good,
      most_outstanding: mostOutstanding,
      retransmits: device.counters.retransmits,
    });
    found.expect(ended, `${pump.out} commands never end`);
    found.expect(good > 4096, `${good} commands ended well: none had a second turn`);
    found.expect(failed + timeouts === 0, `${failed} commands failed, ${timeouts} timed out`);
    found.expect(mostOutstanding <= 16, `P12: ${mostOutstanding} were outstanding`);
    found.expect(
      beyond === null || beyond === 0,
      `the target dropped ${beyond} beyond its buffer count`,
    );
  },
};

const HOSTS = 64;
/** Runs that one fault may take beyond its first, where the counters are apart. */
const AGAIN = 2;

const many: Scenario = {
  name: "many",
  about: `${HOSTS} initiators, each with its own MAC address (macvlan), at one target`,
  async run(world, ns, found) {
    world.startTarget(["-b", "8"]);
    for (let host = 0; host < HOSTS; host++) {
      const mac = `02:00:00:00:01:${host.toString(16).padStart(2, "0")}`;
      ip("link", "add", "link", "a0", "name", `m${host}`, "address", mac, "type", "macvlan");
      ip("link", "set", `m${host}`, "up");
    }
    const initiators = Array.from({ length: HOSTS }, (_, host) =>
      world.open(`m${host}`, {}, undefined, 512 << 10),
    );
    const all = severalCores(initiators);
    const pumps: Pump[] = [];
    for (const [host, initiator] of initiators.entries()) {
      pumps.push(new Pump(await world.find(initiator, all), createRandom(host), SECTORS));
    }
    for (const initiator of initiators) initiator.begin(world.waiter.now());
    for (const pump of pumps) pump.start(4);
    await world.run(all, () => false, ns);
    for (const pump of pumps) pump.stop();
    const ended = await world.run(all, () => pumps.every(({ over }) => over), DRAIN);
    const shares = pumps.map(({ counters }) => counters.good).sort((a, b) => a - b);
    const lost = pumps.reduce((sum, { counters }) => sum + counters.failed + counters.timeouts, 0);
    found.beyond(await world.stopTarget());
    Object.assign(found.figures, {
      initiators: HOSTS,
      commands: shares.reduce((sum, share) => sum + share, 0),
      least_share: shares[0] ?? 0,
      median_share: shares[HOSTS / 2] ?? 0,
      largest_share: shares.at(-1) ?? 0,
    });
    found.expect(ended, "some commands never end");
    found.expect(lost === 0, `${lost} commands failed or timed out`);
    found.expect((shares[0] ?? 0) > 0, "an initiator got nothing done");
  },
};

const loss: Scenario = {
  name: "loss",
  about: "every answer is lost, then none",
  async run(world, ns, found) {
    world.startTarget([]);
    let faults: FaultLink | null = null;
    const clock = world.waiter;
    const initiator = world.open("a0", { timeout: ns }, (link) => {
      faults = createFaults(link, parseFaults("", ""), { clock, random: createRandom(1) });
      return faults;
    });
    const device = await world.find(initiator);
    (faults as FaultLink | null)?.setPlan(parseFaults("rx:drop:100%", ""));
    const before = device.counters.transmits;
    const lost = new Pump(device, createRandom(1), SECTORS, 256);
    lost.start(64);
    // Windows of commands time out one after the other; each gets its whole time.
    const ended = await world.run(initiator, () => lost.over, 8 * ns + DRAIN);
    const frames = device.counters.transmits - before;
    (faults as FaultLink | null)?.setPlan(parseFaults("", ""));
    const after = new Pump(device, createRandom(2), SECTORS, 1000);
    initiator.begin(clock.now());
    after.start(16);
    const recovered = await world.run(initiator, () => after.over, DRAIN);
    await world.stopTarget();
    Object.assign(found.figures, {
      timeouts: lost.counters.timeouts,
      frames_sent: frames,
      good_afterwards: after.counters.good,
    });
    found.expect(ended, `${lost.out} commands never end`);
    found.expect(lost.counters.timeouts === 256, `${lost.counters.timeouts} of 256 timed out`);
    // The RTO doubles: nobody floods a network that answers nothing.
    found.expect(frames < 256 * 16, `${frames} frames for 256 commands`);
    found.expect(recovered && after.counters.good === 1000, "it does not recover");
  },
};

const hang: Scenario = {
  name: "hang",
  about: "a target that takes every request and answers none, for ever",
  async run(world, ns, found) {
    world.startTarget(["-b", "16", "--service", "hang:100%"]);
    const initiator = world.open("a0", { timeout: ns / 4 });
    const device = await world.find(initiator);
    const pump = new Pump(device, createRandom(1), SECTORS, 200);
    const begun = world.waiter.now();
    pump.start(64);
    const ended = await world.run(initiator, () => pump.over, 50 * ns + DRAIN);
    const elapsed = world.waiter.now() - begun;
    const outstanding = device.outstanding;
    // No answer, so no release by an answer: buffers come back all the same.
    const closed = await world.run(initiator, () => initiator.close(), 5e9);
    const size = world.targetSize();
    Object.assign(found.figures, {
      timeouts: pump.counters.timeouts,
      elapsed_ns: elapsed,
      frames_sent: device.counters.transmits,
      target_rss_bytes: size.residentBytes,
    });
    found.expect(ended, `${pump.out} commands never end`);
    found.expect(
      pump.counters.timeouts === 200,
      `${pump.counters.timeouts} of 200 ended with a timeout`,
    );
    found.expect(outstanding === 0, `${outstanding} frames are still outstanding`);
    found.expect(closed, "buffers did not come back");
  },
};

const linkDown: Scenario = {
  name: "link-down",
  about: "the link goes down in mid-load and comes back",
  async run(world, ns, found) {
    world.startTarget([]);
    const initiator = world.open("a0", { timeout: ns + 30e9 });
    const device = await world.find(initiator);
    const pump = new Pump(device, createRandom(1), SECTORS);
    pump.start(32);
    // On a busy machine the first command takes longer than a load's usual run-up.
    await world.run(initiator, () => pump.counters.good > 0, DRAIN);
    await world.run(initiator, () => false, 0.3e9);
    const before = pump.counters.good;
    ip("link", "set", "b0", "down");
    await world.run(initiator, () => false, ns);
    const during = pump.counters.good - before;
    ip("link", "set", "b0", "up");
    const up = world.waiter.now();
    const mark = pump.counters.good;
    const resumed = await world.run(initiator, () => pump.counters.good > mark + 100, DRAIN);
    const after = world.waiter.now() - up;
    await world.run(initiator, () => false, 0.3e9);
    pump.stop();
    const ended = await world.run(initiator, () => pump.over, DRAIN);
    await world.stopTarget();
    const { good, failed, timeouts } = pump.counters;
    Object.assign(found.figures, {
      down_ns: ns,
      commands_before: before,
      commands_during: during,
      commands_after: good - mark,
      resumed_after_ns: after,
      retransmits: device.counters.retransmits,
    });
    found.expect(before > 0, "nothing was under way");
    found.expect(resumed && ended, "it does not go on when the link is back");
    found.expect(failed + timeouts === 0, `${failed} commands failed, ${timeouts} timed out`);
    // The longest RTO is 2 s.
    found.expect(after < 5e9, `it went on only after ${shownTime(after)}`);
  },
};

const flat: Scenario = {
  name: "flat",
  about: "load at depth 16 for as long as told: memory and descriptors stay as they are",
  async run(world, ns, found) {
    world.startTarget([]);
    const initiator = world.open("a0");
    const device = await world.find(initiator);
    const pump = new Pump(device, createRandom(1), SECTORS);
    pump.start(16);
    await world.run(initiator, () => false, ns);
    pump.stop();
    const ended = await world.run(initiator, () => pump.over, DRAIN);
    await world.stopTarget();
    const { good, failed, timeouts } = pump.counters;
    Object.assign(found.figures, { commands: good, commands_per_second: good / (ns / 1e9) });
    found.expect(ended, `${pump.out} commands never end`);
    found.expect(failed + timeouts === 0, `${failed} commands failed, ${timeouts} timed out`);
  },
};

const faults: Scenario = {
  name: "faults",
  about: "each fault over raw sockets and in theory: the same counters",
  flat: false,
  async run(_world, ns, found) {
    const commands = Math.max(100, Math.round(ns / 5e6));
    for (const [plan, counter] of [...FAULT_PLANS, ...OTHER_PLANS]) {
      const theory = inTheory(plan, commands);
      let world = await inTheWorld(plan, commands);
      // On a machine that took the CPU away for longer than the RTO, theory does not apply.
      for (let again = 0; again < AGAIN && apart(theory, world).length > 0; again++) {
        found.figures["runs again"] = (found.figures["runs again"] ?? 0) + 1;
        world = await inTheWorld(plan, commands);
      }
      for (const sentence of apart(theory, world)) found.expect(false, `${plan}: ${sentence}`);
      const names = Object.keys(theory) as (keyof typeof theory)[];
      const differing = names.filter((name) => theory[name] !== world[name]);
      found.figures[`${plan}, counters that differ`] = differing.length;
      found.expect(theory[counter] > 0, `${plan}: nothing befell a frame`);
    }
  },
};

export const SCENARIOS: readonly Scenario[] = [depth, many, loss, hang, linkDown, flat, faults];

/** Within a lab. */
export async function soak(scenario: Scenario, ns: number): Promise<SoakOutcome> {
  const world = new SoakWorld();
  try {
    const found = new Findings();
    await scenario.run(world, ns, found);
    if (scenario.flat !== false) found.flat(world);
    const { broken, figures } = found;
    return { name: scenario.name, broken, figures };
  } finally {
    await world.close();
  }
}

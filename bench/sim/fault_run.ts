// One run of a fixed load under one fault, the same for the simulated network and for raw sockets: what the
// simulator is held against the world by.
//
//   initiator ─ faults ─ link ═ link ─ target          one command at a time, `commands` of them
//
// With one command out at a time and an RTO far above any round trip, what happens depends on the faults' dice
// alone, whose n-th throw is for the n-th frame in both worlds.

import { Command, OK, READ, TIMEOUT, WRITE } from "../../initiator/command.ts";
import { createInitiator } from "../../initiator/initiator.ts";
import { createPool } from "../../initiator/pool/buffer_pool.ts";
import { parseFaults } from "../../link/fault_plan.ts";
import { createFaults } from "../../link/faults.ts";
import type { Link } from "../../link/link.ts";
import type { Core } from "../../link/loop.ts";
import type { Waiter } from "../../link/waiter.ts";
import { Export } from "../../target/export.ts";
import { createMemoryStore } from "../../target/stores/memory.ts";
import { Target } from "../../target/target.ts";
import { SECTOR } from "../../wire/ata.ts";
import { createRandom } from "../../words/random.ts";

/** The RTO in both worlds, ns: far above a round trip, so that only a loss is a loss. */
const RTO = 60e6;
const TIMEOUT_AFTER = 1e9;
const SECTORS = 256;

export interface FaultCounts {
  readonly ok: number;
  readonly timeouts: number;
  /** Commands that ended otherwise: an answer that was no answer to them. */
  readonly errors: number;
  /** Frames that met the fault, in its direction. */
  readonly frames: number;
  readonly dropped: number;
  readonly corrupted: number;
  readonly duplicated: number;
  readonly delayed: number;
  readonly reordered: number;
  readonly retransmits: number;
  /** Copies that the target dropped or answered from memory (P28). */
  readonly copies_at_target: number;
  /** Answers that came a second time or too late. */
  readonly stale_answers: number;
}

export interface FaultRun {
  readonly cores: readonly [Core, Core];
  readonly over: () => boolean;
  counts(): FaultCounts;
  /** After the last command: gives every buffer back. */
  close(): void;
}

/** `plan` names one fault of one direction; `near` is the initiator's link, `far` the target's. */
export function createFaultRun(
  plan: string,
  commands: number,
  near: Link,
  far: Link,
  clock: Pick<Waiter, "now">,
): FaultRun {
  const random = createRandom(1);
  const link = createFaults(near, parseFaults("", "faults"), {
    clock,
    random: random.fork("faults"),
  });
  const target = new Target();
  target.addExport(new Export({ major: 7, minor: 3, store: createMemoryStore(SECTORS) }));
  target.addPort(far, "far");
  const initiator = createInitiator({
    links: [link],
    clock,
    random: random.fork("tags"),
    pool: (of, frameBytes) =>
      createPool({ link: of, frameBytes, strategy: "completion", preallocated: 16, cap: 16 }),
    rtt: { first: RTO, floor: RTO, ceiling: RTO },
    timeout: TIMEOUT_AFTER,
  });
  const load = random.fork("load");
  const command = new Command();
  const bytes = new Uint8Array(2 * SECTOR);
  command.memory = { bytes, view: new DataView(bytes.buffer), address: 0 };
  const outcomes = [0, 0, 0, 0, 0];
  let left = commands;
  const next = (): void => {
    if (left-- <= 0) return;
    command.operation = load.below(2) === 0 ? READ : WRITE;
    command.sectors = 1 + load.below(2);
    command.lba = load.below(SECTORS - 1);
    initiator.devices[0]?.submit(command);
  };
  command.done = ({ outcome }) => {
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    next();
  };
  initiator.onEvent = (_, event) => {
    if (event !== "identified") return;
    // From here on frames are counted: what a network says before is not the load's.
    link.setPlan(parseFaults(plan, "faults"));
    next();
  };
  initiator.discover();
  const direction = plan.startsWith("tx") ? link.faults.tx : link.faults.rx;
  let before = -1;
  return {
    cores: [initiator, target],
    over: () => {
      if (before < 0 && left < commands) before = direction.frames;
      return left < 0;
    },
    counts: () => {
      const device = initiator.devices[0];
      const port = target.ports[0]?.counters;
      const ended = outcomes.reduce((sum, count) => sum + count, 0);
      return {
        ok: outcomes[OK] ?? 0,
        timeouts: outcomes[TIMEOUT] ?? 0,
        errors: ended - (outcomes[OK] ?? 0) - (outcomes[TIMEOUT] ?? 0),
        frames: direction.frames - Math.max(0, before),
        dropped: direction.dropped,
        corrupted: direction.corrupted,
        duplicated: direction.duplicated,
        delayed: direction.delayed,
        reordered: direction.reordered,
        retransmits: device?.counters.retransmits ?? 0,
        copies_at_target: (port?.duplicatesAnswered ?? 0) + (port?.duplicatesDropped ?? 0),
        stale_answers: initiator.ports[0]?.state.ignored.stale ?? 0,
      };
    },
    close: () => {
      initiator.close();
    },
  };
}

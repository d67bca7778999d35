// One run of a fixed load under one fault, the same for the simulated network and for raw sockets: what the
// simulator is held against the world by.
//
//   initiator ─ faults ─ link ═ link ─ target          one command at a time, `commands` of them
//
//   tx:drop:6%           a fault of the wrapper, as `--faults` names it
//   service:hang:2%      a fault of the target, as `--service` names it
//   flap:150ms           the cable is out for so long, three times in the run
//   crash:150ms          the target dies, and comes back after so long as a new one with the same store
//   mtu:600              both ends' MTU, for a quarter of the commands
//
// With one command out at a time and an RTO far above any round trip, what happens depends on the faults' random numbers
// alone, whose n-th throw is for the n-th frame in both worlds. What happens to cable and target comes when so
// many commands have ended, between two commands.

import { Command, OK, TIMEOUT } from "../../initiator/protocol/command.ts";
import { createInitiator, type Initiator } from "../../initiator/protocol/initiator.ts";
import { outcomeCounts } from "../../initiator/protocol/outcomes.ts";
import { createPool } from "../../initiator/pool/buffer_pool.ts";
import { parseFaults } from "../../link/fault_plan.ts";
import { createFaults, type FaultLink } from "../../link/faults.ts";
import type { Link } from "../../link/link.ts";
import type { Core } from "../../link/loop.ts";
import type { Waiter } from "../../link/waiter.ts";
import { Export } from "../../target/protocol/export.ts";
import { parseServiceModel } from "../../target/service/model.ts";
import { createMemoryStore } from "../../target/stores/memory.ts";
import { SECTOR } from "../../wire/ata.ts";
import { parseDuration } from "../../words/quantity.ts";
import { createRandom, type Random } from "../../words/random.ts";
import { MortalTarget } from "./mortal_target.ts";
import { READ, WRITE } from "../../initiator/protocol/operation.ts";

/** The RTO in both worlds, ns: far above a round trip, so that only a loss is a loss. */
const RTO = 60e6;
const TIMEOUT_AFTER = 1e9;
const SECTORS = 256;
/** A command that took longer than this was lost on its way or held back for long, ns. */
const SLOW = 30e6;
/** Until both ends know of a new MTU, ns. */
const SETTLES = 50e6;
const MTU = 1500;

/** What happens to a cable, of a memory pair or of a lab's. */
export interface Cable {
  setMtu(mtu: number): void;
  down(): void;
  up(): void;
}

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
  /** Commands that took longer than half an RTO. */
  readonly slow: number;
  /** Frames beyond one for each command and retransmit: pieces of commands that no frame could carry. */
  readonly pieces: number;
  /** Times that the cable was out, the MTU another, the target dead. */
  readonly happened: number;
}

export interface FaultRun {
  readonly cores: readonly Core[];
  readonly over: () => boolean;
  counts(): FaultCounts;
  /** After the last command: gives every buffer back. */
  close(): void;
}

type Kind = "link" | "service" | "flap" | "crash" | "mtu";

function kindOf(plan: string): { kind: Kind; text: string } {
  const [first = "", ...rest] = plan.split(":");
  const text = rest.join(":");
  switch (first) {
    case "service":
    case "flap":
    case "crash":
    case "mtu":
      return { kind: first, text };
    default:
      return { kind: "link", text: plan };
  }
}

/** `plan` names one fault; `near` is the initiator's link, `far` the target's, `cable` what joins them. */
export function createFaultRun(
  plan: string,
  commands: number,
  near: Link,
  far: Link,
  clock: Pick<Waiter, "now">,
  cable: Cable,
): FaultRun {
  const run = new Run(plan, commands, near, far, clock, cable);
  return {
    cores: run.cores,
    over: () => run.over,
    counts: () => run.counts(),
    close: () => {
      run.initiator.close();
    },
  };
}

class Run implements Core {
  readonly ports = [];
  readonly cores: readonly Core[];
  readonly initiator: Initiator;
  private readonly link: FaultLink;
  private readonly target: MortalTarget;
  private readonly kind: Kind;
  private readonly text: string;
  private readonly commands: number;
  private readonly clock: Pick<Waiter, "now">;
  private readonly cable: Cable;
  private readonly load: Random;
  private readonly command = new Command();
  private readonly outcomes = outcomeCounts();
  private left: number;
  private begunAt = 0;
  private slow = 0;
  private happened = 0;
  private framesBefore = 0;
  private transmitsBefore = 0;
  /** When cable and target are well again, and when the next command goes out; ns. */
  private wellAt = Infinity;
  private nextAt = Infinity;

  constructor(
    plan: string,
    commands: number,
    near: Link,
    far: Link,
    clock: Pick<Waiter, "now">,
    cable: Cable,
  ) {
    const random = createRandom(1);
    ({ kind: this.kind, text: this.text } = kindOf(plan));
    this.commands = commands;
    this.left = commands;
    this.clock = clock;
    this.cable = cable;
    this.link = createFaults(near, parseFaults("", "faults"), {
      clock,
      random: random.fork("faults"),
    });
    const store = createMemoryStore(SECTORS);
    const service = this.kind === "service" ? this.text : "";
    this.target = new MortalTarget(far, () => {
      const model = parseServiceModel(service, {
        what: "service",
        random: random.fork("service"),
        sectors: SECTORS,
      });
      return new Export({ major: 7, minor: 3, store, model });
    });
    this.initiator = createInitiator({
      links: [this.link],
      clock,
      random: random.fork("tags"),
      pool: (of, frameBytes) =>
        createPool({ link: of, frameBytes, strategy: "completion", preallocated: 16, cap: 16 }),
      rtt: { first: RTO, floor: RTO, ceiling: RTO },
      timeout: TIMEOUT_AFTER,
    });
    this.cores = [this.initiator, this.target, this];
    this.load = random.fork("load");
    const bytes = new Uint8Array(2 * SECTOR);
    this.command.memory = { bytes, view: new DataView(bytes.buffer), address: 0 };
    this.command.done = ({ outcome }) => this.ended(outcome);
    let identified = false;
    this.initiator.onEvent = (_, event) => {
      if (event !== "identified" || identified) return;
      identified = true;
      // From here on frames are counted: what a network says before is not the load's.
      if (this.kind === "link") this.link.setPlan(parseFaults(this.text, "faults"));
      this.framesBefore = this.direction.frames;
      this.transmitsBefore = this.initiator.devices[0]?.counters.transmits ?? 0;
      this.next();
    };
    this.initiator.discover();
  }

  get over(): boolean {
    return this.left < 0;
  }

  /** In which frames are counted: the fault's own; of what is no frame's fault, the requests'. */
  private get direction() {
    return this.text.startsWith("rx") ? this.link.faults.rx : this.link.faults.tx;
  }

  private next(): void {
    if (this.left-- <= 0) return;
    const { command, load } = this;
    command.operation = load.below(2) === 0 ? READ : WRITE;
    command.sectors = 1 + load.below(2);
    command.lba = load.below(SECTORS - 1);
    this.begunAt = this.clock.now();
    this.initiator.devices[0]?.submit(command);
  }

  private ended(outcome: number): void {
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
    if (this.clock.now() - this.begunAt > SLOW) this.slow++;
    const quarter = Math.floor(this.commands / 4);
    const done = this.commands - this.left;
    if (this.kind === "mtu") {
      if (done === quarter || done === 2 * quarter) {
        this.happened++;
        this.cable.setMtu(done === quarter ? Number(this.text) : MTU);
        this.nextAt = this.clock.now() + SETTLES;
        return;
      }
    } else if ((this.kind === "flap" || this.kind === "crash") && this.left > 0) {
      if (done % quarter === 0 && done < this.commands) {
        this.happened++;
        if (this.kind === "flap") this.cable.down();
        else this.target.fall();
        this.wellAt = this.clock.now() + parseDuration(this.text, this.kind);
      }
    }
    this.next();
  }

  begin(): void {}

  advance(now: number): void {
    if (this.wellAt <= now) {
      this.wellAt = Infinity;
      if (this.kind === "flap") this.cable.up();
      else this.target.rise();
    }
    if (this.nextAt <= now) {
      this.nextAt = Infinity;
      this.initiator.begin(now);
      this.next();
    }
  }

  nextDeadline(): number {
    return Math.min(this.wellAt, this.nextAt);
  }

  counts(): FaultCounts {
    const device = this.initiator.devices[0];
    const { outcomes, direction } = this;
    const ended = outcomes.reduce((sum, count) => sum + count, 0);
    const transmits = (device?.counters.transmits ?? 0) - this.transmitsBefore;
    const retransmits = device?.counters.retransmits ?? 0;
    return {
      ok: outcomes[OK] ?? 0,
      timeouts: outcomes[TIMEOUT] ?? 0,
      errors: ended - (outcomes[OK] ?? 0) - (outcomes[TIMEOUT] ?? 0),
      frames: direction.frames - this.framesBefore,
      dropped: direction.dropped,
      corrupted: direction.corrupted,
      duplicated: direction.duplicated,
      delayed: direction.delayed,
      reordered: direction.reordered,
      retransmits,
      copies_at_target: this.target.copies,
      stale_answers: this.initiator.ports[0]?.state.ignored.stale ?? 0,
      slow: this.slow,
      pieces: transmits - retransmits - ended,
      happened: this.happened,
    };
  }
}

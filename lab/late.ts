// The hold of a late lab (`aoe lab --late`), moved from inside it: a token bucket filter (tbf) in the
// cable of t0 (setup.ts) decides when the kernel releases what was sent on t0, while a copy has
// already left through a0. So a command is answered, and its transmit buffer is still pinned: the
// case of pool.md.
//
//   released   rate 10 Gbit/s: a frame is released at once
//   held       rate 1 byte/s and a bucket of one full frame, which a poke frame empties; `mpu` charges
//              a whole bucket for any frame, so that not even a short one seeps through for hours
//
// Two things that tbf does and its manual doesn't say. `tc qdisc change` fills the bucket, hence the
// poke after holding. A queue that waits for tokens sleeps until the time it worked out at the OLD
// rate, hence the poke after releasing: a new frame makes it look again.
//
// Pokes carry EtherType 0x88b5 (IEEE 802, local experiments), which the mirror doesn't copy: no link
// sees one except a listener on t1.

import { now } from "../sys/clock.ts";
import { mapMemory } from "../sys/memory.ts";
import { findInterface } from "../sys/interface.ts";
import { openPacketSocket } from "../sys/packet_socket.ts";
import { environment, usage } from "../words/failure.ts";
import { formatDuration, MS } from "../words/quantity.ts";

import { isPulse, type LatePlan, PULSE_RULE } from "./late_plan.ts";
import { findProgram } from "./programs.ts";
import { HELD_DEVICE, MIRROR_DEVICE, MIRROR_PLACE, MIRRORED, RELEASED } from "./setup.ts";

/** What was sent on t0 and is held. */
export interface Held {
  readonly frames: number;
  readonly bytes: number;
}

export interface HoldTotal {
  readonly holds: number;
  /** Time in them; one that lasts counts when it ends. */
  readonly held_ns: number;
}

export interface Late {
  /** Keeps every frame sent from now on, until `release` or `drop`. */
  hold(): void;
  /** Releases all frames in their order, and every later one at once. */
  release(): void;
  /** Throws away what is held (its buffers come free, t1 never sees it), then releases. */
  drop(): void;
  /** Holds for `pause` ns every `period` ns until `stop` aborts, then releases. Grain: 1 ms. */
  pulse(pause: number, period: number, stop: AbortSignal): Promise<void>;
  /** Follows a plan from now on until `stop` aborts, then releases. */
  follow(plan: LatePlan, stop: AbortSignal): Promise<void>;
  /** With false a held frame is not copied to a0 either: no answer comes. Every hold begins mirrored. */
  mirror(on: boolean): void;
  held(): Held;
  /** What this holder has held so far, by its own clock. */
  readonly total: HoldTotal;
  close(): void;
}

const POKE_TYPE = 0x88b5;
const HEADER_BYTES = 14;
/** Beyond MTU and Ethernet header: a VLAN tag and some air. */
const BURST_SLACK = 86;
const LIMIT = "64mb";

/**
 * The hold of the lab that this process is in. Throws an environment failure outside a late lab.
 * `hold` and `release` are done when they return, each in a few ms (one `tc` and one frame).
 */
export function openLate(): Late {
  if ((process.env["AOE_LAB_LATE"] ?? "") === "") {
    throw environment("No late release here: this runs inside `aoe lab --late -- COMMAND…` only.");
  }
  const program = findProgram("tc");
  if (program === null) {
    throw environment(
      "No late release here: `tc` (iproute2) is neither in PATH nor in /usr/sbin or /sbin.",
    );
  }
  const tc = (...words: string[]): string => runTc(program, words);
  const { index, mac, mtu } = findInterface(HELD_DEVICE);
  const burst = mtu + HEADER_BYTES + BURST_SLACK;
  const socket = openPacketSocket();
  socket.bind(index, 0);
  const frame = mapMemory(HEADER_BYTES + mtu);
  // To itself: t1's side takes it as someone else's.
  for (const at of [0, 6]) {
    frame.view.setUint16(at, Math.floor(mac / 2 ** 32));
    frame.view.setUint32(at + 2, mac >>> 0);
  }
  frame.view.setUint16(12, POKE_TYPE);

  function poke(bytes: number): void {
    // A busy queue (ENOBUFS) has something to look at already; nothing else is expected, and a poke
    // that fails shows at once in what the caller measures.
    socket.send(frame.address, bytes);
  }

  const total = { holds: 0, held_ns: 0 };
  /** -1: nothing is held. */
  let heldSince = -1;
  function ended(): void {
    if (heldSince >= 0) total.held_ns += now() - heldSince;
    heldSince = -1;
  }

  const late: Late = {
    total,
    hold() {
      tc("qdisc", "change", "dev", HELD_DEVICE, "root", "tbf", ...heldWords(burst));
      poke(HEADER_BYTES + mtu);
      if (heldSince >= 0) return;
      heldSince = now();
      total.holds += 1;
    },
    release() {
      tc("qdisc", "change", "dev", HELD_DEVICE, "root", "tbf", ...RELEASED.split(" "));
      poke(HEADER_BYTES);
      ended();
    },
    drop() {
      tc("qdisc", "del", "dev", HELD_DEVICE, "root");
      ended();
      tc("qdisc", "replace", "dev", HELD_DEVICE, "root", "tbf", ...RELEASED.split(" "));
    },
    async pulse(pause, period, stop) {
      if (!isPulse(pause, period)) {
        throw usage(
          `Expected ${PULSE_RULE}, got ${formatDuration(pause)} every ${formatDuration(period)}`,
        );
      }
      // Turns are due at multiples of the period from the start, so that a slow `tc` doesn't add up; what it
      // was too slow for is left out.
      const start = performance.now();
      for (let due = start; !stop.aborted;) {
        await sleepUntil(due, stop);
        if (stop.aborted) break;
        late.hold();
        await sleepUntil(due + pause / MS, stop);
        late.release();
        const passed = Math.floor(((performance.now() - start) * MS) / period);
        due = start + ((passed + 1) * period) / MS;
      }
    },
    async follow({ moves, pulse }, stop) {
      if (pulse !== null) return late.pulse(pulse.pause, pulse.period, stop);
      const start = performance.now();
      for (const { what, at } of moves) {
        await sleepUntil(start + at / MS, stop);
        if (!stop.aborted) late[what]();
      }
      if (!stop.aborted) await new Promise((resolve) => stop.addEventListener("abort", resolve));
      late.release();
    },
    mirror(on) {
      const place = ["dev", MIRROR_DEVICE, ...MIRROR_PLACE.split(" ")];
      if (tc("filter", "show", ...place).includes("mirred") === on) return;
      if (on) tc("filter", "add", "dev", MIRROR_DEVICE, ...MIRRORED.split(" "));
      else tc("filter", "del", ...place);
    },
    held() {
      const text = tc("-s", "-j", "qdisc", "show", "dev", HELD_DEVICE, "root");
      const [qdisc] = JSON.parse(text) as { qlen?: number; backlog?: number }[];
      return { frames: qdisc?.qlen ?? 0, bytes: qdisc?.backlog ?? 0 };
    },
    close() {
      socket.close();
      frame.unmap();
    },
  };
  return late;
}

function heldWords(burst: number): string[] {
  return `rate 8bit burst ${burst} mpu ${burst} limit ${LIMIT}`.split(" ");
}

function runTc(program: string, words: string[]): string {
  const run = Bun.spawnSync([program, ...words], { stdin: "ignore" });
  if (run.exitCode === 0) return run.stdout.toString();
  const said = run.stderr.toString().trim().replaceAll("\n", " ");
  throw environment(`\`tc ${words.join(" ")}\` failed: ${said}`);
}

/** Returns at `due` (ms of performance.now) or when `stop` aborts; in any case after a turn of the event loop. */
function sleepUntil(due: number, stop: AbortSignal): Promise<void> {
  // Where `tc` takes longer than a pulse there is nothing to wait for, and yet `stop` must be heard.
  const wait = Math.max(0, due - performance.now());
  if (stop.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      stop.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, wait);
    stop.addEventListener("abort", end);
  });
}

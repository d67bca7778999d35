// The target as it runs, a process on a TAP interface, which hands over frames of up to 64 KiB whatever its MTU is.
// Not under the virtual clock: it needs CAP_NET_ADMIN, as in a lab, and is fuzzed only where it is named.
//
// Oracles: the process lives and met no fault of its own; what leaves is an answer, no longer than the MTU, to no more
// than what was sent; after each session the other export answers; nothing stays in hand.

import * as v from "valibot";

import * as aoe from "../../wire/aoe.ts";
import * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import { toBytes } from "../../wire/frame.ts";
import { BROADCAST } from "../../wire/mac.ts";
import { configFrame } from "../doubles/probe.ts";
import { makeSession } from "./frame_grammar.ts";
import { type ServedTap, serveOnTap, WITNESS } from "./served_tap.ts";
import { MODELS, mtuOf } from "./target_surface.ts";
import { fromHex, must, pick, type Surface } from "./surface.ts";

/** A host that no list of the grammar's names, and a tag that tells its answer. */
const STRANGER = 0x0200_0000_0e0e;
const PATIENCE = 20_000;
const Faults = v.object({ interfaces: v.array(v.object({ faults: v.number() })) });

let served: ServedTap | null = null;
let asked = 0;

export const tapSurface: Surface = {
  name: "tap",
  about: "frames of up to 64 KiB at a target process on a TAP interface",
  make(random) {
    const service = random.below(3) > 0 ? "" : pick(random, MODELS);
    return `service ${service}\n${makeSession(random, 60, false)}`;
  },
  run(input) {
    const begun = begin();
    try {
      return session(begun, input.split("\n"));
    } catch (error) {
      // The next case begins with another process.
      end();
      throw error;
    }
  },
  close: end,
};

function begin(): ServedTap {
  if (served === null) {
    served = serveOnTap();
    process.once("exit", end);
  }
  return served;
}

function end(): void {
  process.off("exit", end);
  served?.close();
  served = null;
}

function session(tap: ServedTap, lines: readonly string[]): string {
  const service = lines.find((line) => line.startsWith("service "))?.slice(8) ?? "";
  const mtu = tap.setMtu(mtuOf(lines));
  const table = { address: "e7.3", memory: "500k", buffer_count: 8, service };
  const added = tap.ask({ verb: "export add", export: table });
  must(added["ok"] === true, () => `the export is refused: ${JSON.stringify(added)}`);
  let frames = 0;
  let answers = 0;
  const take = (): void => {
    for (let frame = tap.receive(); frame !== null; frame = tap.receive()) {
      if (isAnswer(tap, frame, mtu)) answers++;
    }
  };
  for (const line of lines) {
    if (!line.startsWith("send ")) continue;
    const bytes = fromHex(line.slice(5));
    if (bytes.length < ethernet.LENGTH) continue;
    tap.send(bytes);
    frames++;
    take();
  }
  // What was sent before has had its turn then.
  answers += witness(tap, mtu);
  const removed = tap.ask({ verb: "export remove", export: "e7.3" });
  must(removed["ok"] === true, () => `the export stays: ${JSON.stringify(removed)}`);
  take();
  // Wildcards reach both exports, and a service model may answer twice.
  must(answers <= 4 * frames, () => `${answers} answers to ${frames} frames`);
  const { interfaces } = v.parse(Faults, tap.ask({ verb: "stats" }));
  const faulty = interfaces.some(({ faults }) => faults > 0);
  must(!faulty, () => `the target met a fault of its own: ${tap.said()}`);
  return answers > 0 ? "answered" : "silent";
}

/** Whether the frame is an answer of the target's, which keeps the rules for every one; else an announcement, or its question. */
function isAnswer(tap: ServedTap, frame: Uint8Array, mtu: number): boolean {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (ethernet.type(view, 0) !== ethernet.ETHERTYPE_AOE) return false;
  must(frame.length <= ethernet.LENGTH + mtu, () => `a frame of ${frame.length} at MTU ${mtu}`);
  must(frame.length >= ethernet.SHORTEST, () => `a frame of ${frame.length}`);
  must(ethernet.source(view, 0) === tap.mac, () => "an answer from another address");
  if (isOwnQuestion(view)) return false;
  must(aoe.isResponse(view, 0), () => "a request from a target");
  return aoe.tag(view, 0) !== 0 || aoe.command(view, 0) !== aoe.COMMAND_CONFIG;
}

/** What a target asks at its start: whether its addresses are answered already. */
function isOwnQuestion(view: DataView): boolean {
  if (aoe.isResponse(view, 0) || aoe.command(view, 0) !== aoe.COMMAND_CONFIG) return false;
  return config.command(view, 0) === config.READ && ethernet.destination(view, 0) === BROADCAST;
}

/** The other export answers a stranger, behind all that was sent before; how many other answers came meanwhile. */
function witness(tap: ServedTap, mtu: number): number {
  let others = 0;
  const tag = 0x7000_0000 + (asked++ % 0x1000);
  const question = toBytes(configFrame(config.READ, "", { ...WITNESS, from: STRANGER, tag }));
  const until = performance.now() + PATIENCE;
  for (let next = 0; performance.now() < until; Bun.sleepSync(0.2)) {
    if (performance.now() >= next) {
      tap.send(question);
      next = performance.now() + 100;
    }
    for (let frame = tap.receive(); frame !== null; frame = tap.receive()) {
      if (!isAnswer(tap, frame, mtu)) continue;
      const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
      if (aoe.tag(view, 0) === tag && ethernet.destination(view, 0) === STRANGER) return others;
      others++;
    }
  }
  throw new Error(`the other export is silent; the target said: ${tap.said()}`);
}

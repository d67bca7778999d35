// The faults of a link as a user names them: `tx:drop:1%,rx:delay:uniform/0us/500us`.
//
//   drop:P          the frame is lost
//   corrupt:P       one random bit is flipped, from byte 14 (the AoE header) to the frame's end
//   corrupt:P/PART  only within PART: frame (from byte 0 on), header (bytes 14–35, the AoE and ATA
//                   headers), payload (from byte 36 on)
//   duplicate:P     a second copy comes behind it
//   delay:DIST      every frame comes later, by a sample of words/distribution.ts; as with netem's
//                   jitter, a frame with a shorter sample overtakes
//   reorder:P/D     the frame comes D later, so that those behind it overtake
//
// Each is for one direction, `tx` or `rx` as this end sees it, and at most once for each. Whatever
// the order in the text they apply in the order above; a duplicate's delay is drawn again.

import { type Distribution, type LoadTrace, parseDistribution } from "../words/distribution.ts";
import { expected, usage } from "../words/failure.ts";
import { parseDuration, parseProbability } from "../words/quantity.ts";
import * as ata from "../wire/ata.ts";
import * as ethernet from "../wire/ethernet.ts";
import type { Mutable } from "./link.ts";

/** The faults of one direction; probabilities 0 … 1, 0 where the fault is not asked for. */
export interface DirectionFaults {
  readonly drop: number;
  readonly corrupt: number;
  /** Bytes of the frame in which a bit may be flipped: from `corruptFrom` up to below `corruptTo`. */
  readonly corruptFrom: number;
  readonly corruptTo: number;
  readonly duplicate: number;
  readonly delay: Distribution | null;
  readonly reorder: number;
  /** ns that a reordered frame is held back. */
  readonly reorderBy: number;
}

export interface FaultPlan {
  /** As given. */
  readonly text: string;
  readonly tx: DirectionFaults;
  readonly rx: DirectionFaults;
}

const NO_FAULTS: DirectionFaults = {
  drop: 0,
  corrupt: 0,
  corruptFrom: 14,
  corruptTo: Infinity,
  duplicate: 0,
  delay: null,
  reorder: 0,
  reorderBy: 0,
};

/** Bytes of a frame that a part's name stands for. */
const PARTS: Readonly<Record<string, readonly [number, number]>> = {
  frame: [0, Infinity],
  header: [ethernet.LENGTH, ata.LENGTH],
  payload: [ata.LENGTH, Infinity],
};

/**
 * The plan that `text` names, "" for none; `what` is the option that it stood in. `loadTrace` reads
 * the file of a `delay:trace/FILE`. Throws a usage Failure.
 */
export function parseFaults(text: string, what: string, loadTrace?: LoadTrace): FaultPlan {
  const plan = { text: text.trim(), tx: { ...NO_FAULTS }, rx: { ...NO_FAULTS } };
  const given = new Set<string>();
  for (const item of plan.text === "" ? [] : plan.text.split(",")) {
    const [direction = "", kind = "", ...rest] = item.trim().split(":");
    const argument = rest.join(":");
    if (direction !== "tx" && direction !== "rx") {
      throw expected(what, "tx:FAULT or rx:FAULT, separated by commas", item);
    }
    if (rest.length === 0 || argument === "") throw expected(what, FORMS, item);
    read(plan[direction], kind, argument, `${what}, ${direction}:${kind}`, what, item, loadTrace);
    if (given.has(`${direction}:${kind}`)) {
      throw usage(`\`${what}\` names ${direction}:${kind} more than once`);
    }
    given.add(`${direction}:${kind}`);
  }
  return plan;
}

const FORMS =
  "tx: or rx: and one of drop:P, corrupt:P, corrupt:P/PART, duplicate:P, delay:DIST, reorder:P/D";

function read(
  faults: Mutable<DirectionFaults>,
  kind: string,
  argument: string,
  key: string,
  what: string,
  item: string,
  loadTrace: LoadTrace | undefined,
): void {
  const [first = "", second, ...more] = argument.split("/");
  switch (kind) {
    case "drop":
      faults.drop = parseProbability(argument, key);
      return;
    case "duplicate":
      faults.duplicate = parseProbability(argument, key);
      return;
    case "delay":
      faults.delay = parseDistribution(argument, key, loadTrace);
      return;
    case "corrupt": {
      faults.corrupt = parseProbability(first, key);
      if (second === undefined) return;
      const part = Object.hasOwn(PARTS, second) ? PARTS[second] : undefined;
      if (part === undefined || more.length > 0) {
        throw expected(key, "corrupt:P or corrupt:P/PART, PART frame, header or payload", item);
      }
      [faults.corruptFrom, faults.corruptTo] = part;
      return;
    }
    case "reorder":
      if (second === undefined || more.length > 0) {
        throw expected(key, "reorder:P/D, a probability and a duration", item);
      }
      faults.reorder = parseProbability(first, key);
      faults.reorderBy = parseDuration(second, key);
      return;
    default:
      throw expected(what, FORMS, item);
  }
}

// A scenario from a seed. Odd combinations are what a simulator is for, so nearly everything is drawn by
// itself; what is known not to be promised is left out, each with its reason.
//
//   late frames     stay within the packet life, over all four wrappers that a frame can pass: beyond
//                   it nothing is promised (docs: "The stale duplicate write")
//   crash           with late frames the target stays down for a packet life: what it knew of
//                   duplicates is gone with it (P28 does not outlive a restart)
//   hang            only where copies keep tag, path and size: a write that a target holds for longer than
//                   the packet life and then carries out is a late copy too
//   corrupted bits  in scenarios of their own, where data mean nothing: a network card drops such frames

import { STRATEGIES } from "../../initiator/pool/buffer_pool.ts";
import { MS, S, US } from "../../words/quantity.ts";
import { createRandom, type Random } from "../../words/random.ts";
import type { InitiatorPart, Scenario, ScenarioEvent, TargetPart } from "./scenario.ts";

const PACKET_LIFE = 1 * S;

/** Those that every seed has drawn from since there are hashes; `both` is in the golden table. */
const DRAWN = STRATEGIES.filter((strategy) => strategy !== "both");

export function generate(seed: number): Scenario {
  const random = createRandom(seed).fork("scenario");
  const network = chance(random, 0.5) ? "calm" : chance(random, 0.08) ? "corrupting" : "faulty";
  const manyPaths = chance(random, 0.2);
  const targetCount = chance(random, 0.15) ? 2 : 1;
  const initiatorCount = pick(random, [1, 1, 1, 1, 2, 2, 3]);
  const newTags = chance(random, 0.15);
  const late = network !== "calm";
  const mtu = pick(random, MTUS);
  const commands = 100 + random.below(700);
  const usual = events(random, commands, targetCount + initiatorCount, targetCount, late);
  const plain = !manyPaths && network !== "corrupting";
  // A frame whose address has a bit changed may come to a rival by mistake.
  const others = !plain
    ? []
    : rarer(createRandom(seed).fork("rarer"), commands, targetCount, initiatorCount, mtu, late);
  const happenings = (
    others.some(({ kind }) => kind === "resize") ? others : [...usual, ...others]
  ).sort((a, b) => a.after - b.after);
  const moves = happenings.some(({ kind }) => kind === "mac" || kind === "takeover");
  const resized = mtu > 2000 || happenings.some(({ kind }) => kind === "mtu");
  const fixedCopies = !manyPaths && !newTags && !resized && !moves;
  const targets: TargetPart[] = [];
  for (let index = 0; index < targetCount; index++) {
    targets.push({
      ports: manyPaths ? 1 + random.below(2) : 1,
      sectors: 8 + random.below(57),
      bufferCount: pick(random, [2, 3, 4, 8, 16, 64]),
      service: service(random, fixedCopies),
      faults: late && chance(random, 0.4) ? faults(random, network) : "",
      reclaim: chance(random, 0.15) ? pick(random, RECLAIMS) : "eager",
      storePolls: chance(random, 0.1) ? 1 + random.below(3) : 0,
    });
  }
  const initiators: InitiatorPart[] = [];
  for (let index = 0; index < initiatorCount; index++) {
    initiators.push({
      links: manyPaths ? 1 + random.below(2) : 1,
      faults: late ? faults(random, network) : "",
      reclaim: chance(random, 0.02)
        ? "stuck"
        : chance(random, 0.5)
          ? pick(random, RECLAIMS)
          : "eager",
      pool: {
        strategy: pick(random, DRAWN),
        preallocated: pick(random, [1, 2, 4, 8, 16]),
        cap: pick(random, [0, 1, 4, 16, 64]),
        verify: chance(random, 0.06) ? 1 : 0,
      },
      kick: pick(random, [100 * MS, 1 * MS, "on-release"] as const),
      timeout: pick(random, [50 * MS, 500 * MS, 2 * S, 10 * S]),
      windowLaw: pick(random, ["stepwise", "slow-start", "steady", "steady", "steady"]),
      retransmitTag: newTags ? "new" : "same",
      commands: Math.ceil(commands / (initiatorCount * targetCount)),
      iodepth: pick(random, [1, 2, 4, 8, 16, 32]),
      span: pick(random, [1, 1, 1, 1, 1, 2, 2, 3, 8]),
      reads: 20 + random.below(60),
      flushes: pick(random, [0, 2, 10]),
      cancels: chance(random, 0.15) ? 1 + random.below(40) : 0,
      think: chance(random, 0.2) ? pick(random, [10 * US, 1 * MS, 20 * MS]) : 0,
    });
  }
  return {
    seed,
    mtu,
    latency: pick(random, [1 * US, 5 * US, 20 * US, 200 * US]),
    packetLife: PACKET_LIFE,
    targets,
    initiators,
    events: happenings,
    calmAt: 4 * S,
  };
}

/** Small frames mostly: what goes wrong in a large one goes wrong in a small one, and that is copied sooner. */
const MTUS = [534, 600, 600, 600, 1046, 1046, 1046, 1500, 1500, 4200, 9000];

const RECLAIMS = [
  "coalesce:8/100us",
  "coalesce:64/1ms",
  "delay:50us",
  "delay:5ms",
  "next-xmit:20us",
  "on-receive:20us",
] as const;

const SERVICES = [
  "delay:20us",
  "delay:exponential/100us",
  "lanes:1,delay:5us",
  "lanes:4,delay:normal/50us/20us",
  "lanes:2,delay:uniform/10us/3ms",
  "rate:50000iops/4",
  "rate:20m/16k",
  "stall:5ms/1ms",
  "seek:15000/200us/2ms",
  "reorder:5%/500us",
  "reorder:20%/2ms",
  "duplicate:5%",
  "drop:3%",
  "error:unc/2%",
  "error:abrt/2%",
  "error:2/1%",
] as const;

function service(random: Random, fixedCopies: boolean): string {
  if (chance(random, 0.35)) return "";
  const stages = [pick(random, SERVICES)];
  if (chance(random, 0.3)) stages.push(pick(random, SERVICES));
  const cuts = stages.includes("error:2/1%");
  if (fixedCopies && !cuts && chance(random, 0.08)) return [...stages, "hang:1%"].join(",");
  return stages.join(",");
}

/** Every part may be late by a fifth of the packet life at most: `longestDelay` cuts what is more. */
function faults(random: Random, network: "corrupting" | "faulty"): string {
  const parts: string[] = [];
  for (const direction of ["tx", "rx"]) {
    if (chance(random, 0.35))
      parts.push(`${direction}:drop:${pick(random, ["0.5%", "2%", "10%", "30%"])}`);
    if (chance(random, 0.35))
      parts.push(`${direction}:duplicate:${pick(random, ["1%", "5%", "20%"])}`);
    if (chance(random, 0.25)) {
      parts.push(
        `${direction}:delay:${pick(random, ["uniform/0us/100us", "exponential/50us", "uniform/0us/20ms", "lognormal/1ms/20ms"])}`,
      );
    }
    if (chance(random, 0.35)) {
      parts.push(
        `${direction}:reorder:${pick(random, ["1%/100us", "5%/5ms", "5%/150ms", "20%/1ms"])}`,
      );
    }
    if (network === "corrupting") {
      parts.push(`${direction}:corrupt:${pick(random, ["0.5%", "5%", "5%/header", "3%/frame"])}`);
    }
  }
  return parts.join(",");
}

function events(
  random: Random,
  commands: number,
  ports: number,
  targets: number,
  late: boolean,
): ScenarioEvent[] {
  if (chance(random, 0.55)) return [];
  const made: ScenarioEvent[] = [];
  for (let left = 1 + random.below(4); left > 0; left--) {
    const after = random.below(Math.max(1, Math.ceil(commands * 0.8)));
    const port = random.below(ports);
    switch (random.below(5)) {
      case 0:
        made.push({ kind: "flap", after, port, for: pick(random, [100 * US, 5 * MS, 300 * MS]) });
        break;
      case 1:
        made.push({ kind: "congest", after, port, for: pick(random, [20 * US, 1 * MS, 20 * MS]) });
        break;
      case 2:
        made.push({
          kind: "mtu",
          after,
          port: chance(random, 0.5) ? -1 : port,
          mtu: pick(random, [600, 1500, 2600, 9000]),
        });
        break;
      default: {
        const down = late ? PACKET_LIFE : pick(random, [100 * US, 10 * MS]);
        made.push({ kind: "crash", after, target: random.below(targets), for: down });
      }
    }
  }
  return made.sort((a, b) => a.after - b.after);
}

/**
 * Rare events of a network: frames that never leave or get lost for their size, addresses that move, are claimed twice,
 * disks that are resized. The last only where nothing else happens and no frame is lost: a size that changed without
 * an announcement being heard is another disk's.
 */
function rarer(
  random: Random,
  commands: number,
  targets: number,
  initiators: number,
  mtu: number,
  late: boolean,
): ScenarioEvent[] {
  if (chance(random, 0.6)) return [];
  const made: ScenarioEvent[] = [];
  const kinds = late ? 5 : 6;
  const first = random.below(kinds);
  for (let left = 1 + random.below(3); left > 0; left--) {
    const after = 1 + random.below(Math.max(1, Math.ceil(commands * 0.8)));
    const port = random.below(targets + initiators);
    const target = random.below(targets);
    const time = pick(random, [1 * MS, 50 * MS, 300 * MS, 1 * S]);
    const longest = pick(random, [60, 400, 580, 1100, 1514, Math.max(60, mtu - 100)]);
    switch (first === 5 ? 5 : random.below(5)) {
      case 0:
        made.push({ kind: "obstruct", after, port, longest, for: time });
        break;
      case 1:
        made.push({ kind: "swallow", after, port, longest, for: time });
        break;
      case 2: {
        const down = late ? PACKET_LIFE : pick(random, [100 * US, 10 * MS]);
        made.push({ kind: "takeover", after, target, for: down });
        break;
      }
      case 3:
        made.push({ kind: "mac", after, port });
        break;
      case 4:
        made.push({ kind: "claim", after, target, for: time });
        break;
      default:
        made.push({ kind: "resize", after, target, sectors: 1 + random.below(80), for: time });
    }
  }
  return made;
}

function chance(random: Random, probability: number): boolean {
  return random.float() < probability;
}

function pick<const T>(random: Random, values: readonly T[]): T {
  return values[random.below(values.length)] as T;
}

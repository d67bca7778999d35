// The initiator against an evil target (evil_target.ts), under the virtual clock.
//
// Oracles: no exception; every command ends, once, within its time; a good read holds what an allowed
// answer brought and nothing else; no byte outside the requested range of a caller's memory changes,
// nor any of a write's; never more outstanding than the largest buffer count announced (P12); at the end every tag, slot and
// buffer is back, and what still comes in disturbs nobody.

import { Command, OK } from "../../initiator/protocol/command.ts";
import { createInitiator } from "../../initiator/protocol/initiator.ts";
import { createPool, STRATEGIES } from "../../initiator/pool/buffer_pool.ts";
import { createMemoryPair } from "../../link/memory.ts";
import { createReclaim } from "../../link/reclaim.ts";
import { parseReclaim } from "../../link/reclaim_model.ts";
import type { Core, iterate } from "../../link/loop.ts";
import { createVirtualClock, runVirtual } from "../../link/virtual_clock.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ethernet from "../../wire/ethernet.ts";
import { createRandom, type Random } from "../../words/random.ts";
import { BAD, EvilTarget, GOOD } from "./evil_target.ts";
import { MOST_BYTES, mtu } from "./frame_grammar.ts";
import { must, pick, type Surface } from "./surface.ts";
import { CONTROL, FLUSH, IDENTIFY, READ, WRITE } from "../../initiator/protocol/operation.ts";

const ADDRESS = { major: 7, minor: 3 };
const TIMEOUT = 2e9;
/** Each command may wait for those before it, and for the packet life of overlapping writes (1 s). */
const BOUND = 1000e9;
export const GUARD = 64;
export const GUARDED = 0xa5;
export const UNREAD = 0x11;

/** A command, and its memory between two guards. */
export interface Caller {
  readonly command: Command;
  readonly memory: Uint8Array;
  readonly before: Uint8Array;
  ended: number;
}

export const initiatorSurface: Surface = {
  name: "initiator",
  about: "an evil target's frames at the initiator core",
  make: (random) =>
    [
      `seed ${random.below(2 ** 31)}`,
      `commands ${1 + random.below(40)}`,
      `honesty ${pick(random, [0, 20, 50, 80, 95])}`,
      `mtu ${mtu(random)}`,
      `pool ${pick(random, STRATEGIES as readonly [string, ...string[]])}`,
      `reclaim ${pick(random, ["eager", "coalesce:4/300us", "delay:1ms", "next-xmit:10us", "on-receive:50us"])}`,
      `tags ${pick(random, ["same", "same", "new"])}`,
    ].join("\n"),
  run(input) {
    const words = new Map(input.split("\n").map((line) => line.split(" ") as [string, string]));
    const text = (name: string, usual: string): string => words.get(name) ?? usual;
    const random = createRandom(Number(text("seed", "1")));
    const clock = createVirtualClock();
    const [a, b, cable] = createMemoryPair({
      clock,
      mtu: Number(text("mtu", "1500")),
      latency: 10e3,
      queueFrames: 4096,
    });
    // What the evil one sends may be longer than what this end sends.
    cable.setMtu(MOST_BYTES - ethernet.LENGTH, 1);
    const link = createReclaim(a, parseReclaim(text("reclaim", "eager"), "reclaim"), clock);
    const strategy = STRATEGIES.find((name) => name === text("pool", "")) ?? "completion";
    const initiator = createInitiator({
      links: [link],
      clock,
      random: random.fork("tags"),
      pool: (of, frameBytes) =>
        createPool({ link: of, frameBytes, strategy, preallocated: 4, cap: 12, verify: true }),
      timeout: TIMEOUT,
      retransmitTag: text("tags", "same") === "new" ? "new" : "same",
      rediscover: Infinity,
    });
    const honesty = Number(text("honesty", "50"));
    const evil = new EvilTarget(b, random.fork("evil"), ADDRESS.major, ADDRESS.minor, honesty);
    const peer = peerCore(b, evil);
    const run = (until: () => boolean, bound: number): boolean =>
      runVirtual([initiator, peer], clock, until, clock.now() + bound);

    initiator.discover();
    evil.send(evil.configAnswer(0, true));
    run(() => initiator.device(ADDRESS) !== undefined, 1e9);
    const device = initiator.device(ADDRESS);
    if (device === undefined) return "undiscovered";

    const callerRandom = random.fork("callers");
    const callers = Array.from({ length: Number(text("commands", "1")) }, () =>
      makeCaller(callerRandom, device.sectorsPerFrame),
    );
    for (const caller of callers) {
      const { command } = caller;
      command.done = () => {
        caller.ended++;
      };
      device.submit(command);
      if (callerRandom.below(3) === 0) evil.stir();
      if (callerRandom.below(2) === 0) run(() => false, callerRandom.below(400e3));
      if (callerRandom.below(30) === 0) device.cancel(command);
      const { inFlight } = device;
      must(
        inFlight <= evil.bufferCount,
        () => `P12: ${inFlight} in the network, ${evil.bufferCount} announced`,
      );
    }
    const ended = run(() => callers.every((caller) => caller.ended > 0), BOUND);
    must(
      ended,
      () => `${callers.filter((caller) => caller.ended === 0).length} commands never end`,
    );
    for (const caller of callers) judge(caller);

    // The end: buffers come back as the link releases, and late answers find nobody.
    let closed = initiator.close();
    for (let polls = 0; polls < 100 && !closed; polls++) {
      run(() => false, 100e6);
      closed = initiator.close();
    }
    // Some links keep the last frame until another comes or goes, and none does.
    const keeps = /^(next-xmit|on-receive)/.test(text("reclaim", ""));
    must(closed || keeps, () => "a buffer never comes back");
    for (const pool of device.pools) {
      must(pool === null || pool.owned === 0, () => "the pool still owns buffers");
    }
    evil.honesty = 50;
    for (let times = 0; times < 10; times++) evil.stir();
    run(() => false, 1e9);
    for (const caller of callers) {
      must(caller.ended === 1, () => `a command ended ${caller.ended} times`);
      judge(caller);
    }
    const good = callers.filter(({ command }) => command.outcome === OK).length;
    return good === callers.length ? "all good" : good > 0 ? "some good" : "none good";
  },
};

/** The peer as a core, so that the clock drives it: it has no deadline of its own. */
function peerCore(
  link: Parameters<typeof iterate>[0]["ports"][number]["link"],
  evil: EvilTarget,
): Core {
  return {
    ports: [{ link, visit: evil.visit, reclaimed() {} }],
    begin() {},
    advance() {},
    nextDeadline: () => Infinity,
  };
}

/** A command with memory of its own between two guards. */
function makeCaller(random: Random, sectorsPerFrame: number): Caller {
  const command = new Command();
  command.operation = pick(random, [READ, READ, READ, WRITE, WRITE, FLUSH, IDENTIFY, CONTROL]);
  const transfer = command.operation === READ || command.operation === WRITE;
  command.sectors = transfer ? pick(random, [0, 1, 1, 2, sectorsPerFrame, random.below(40)]) : 0;
  command.lba = transfer ? pick(random, [0, random.below(64), 2 ** 28 - 1, 2 ** 47]) : 0;
  // What an answer may fill: the data; for a control command all that there is.
  const bytes =
    command.operation === IDENTIFY ? 512 : transfer ? command.sectors * 512 : random.below(300);
  command.offset = random.below(3) * 4;
  const memory = new Uint8Array(GUARD + command.offset + bytes + GUARD).fill(GUARDED);
  // The caller's array ends where a control answer must end; elsewhere memory goes on behind the range.
  const end = command.operation === CONTROL ? memory.length - GUARD : memory.length;
  const inner = memory.subarray(GUARD, end);
  inner.fill(UNREAD, command.offset, command.offset + bytes);
  command.memory = {
    bytes: inner,
    view: new DataView(memory.buffer, GUARD, inner.length),
    address: 0,
  };
  if (command.operation === CONTROL) {
    command.aoeCommand = pick(random, [
      aoe.COMMAND_CONFIG,
      aoe.COMMAND_MASK,
      aoe.COMMAND_RESERVE,
      aoe.COMMAND_VENDOR,
    ]);
    command.length = random.below(bytes + 1);
  }
  if (random.below(6) === 0) command.timeout = 1 + random.below(3e9);
  return { command, memory, before: memory.slice(), ended: 0 };
}

/** What a command that has ended may have done to its memory. */
export function judge({ command, memory, before }: Caller): void {
  const start = GUARD + command.offset;
  const bytes =
    command.operation === READ
      ? command.sectors * 512
      : command.operation === IDENTIFY
        ? 512
        : command.operation === CONTROL
          ? memory.length - GUARD - start
          : 0;
  for (let at = 0; at < memory.length; at++) {
    if (at >= start && at < start + bytes) continue;
    must(
      memory[at] === before[at],
      () =>
        `byte ${at - start} of memory for ${bytes} bytes was written (operation ${command.operation})`,
    );
  }
  if (command.operation !== READ) return;
  for (let at = start; at < start + bytes; at++) {
    const byte = memory[at];
    const allowed = byte === GOOD || (command.outcome !== OK && byte === UNREAD);
    must(
      allowed,
      () =>
        `a read that ended with ${command.outcome} holds 0x${(byte ?? 0).toString(16)} at ${at - start} of ${bytes}${byte === BAD ? ", from an answer that must not be taken" : ""}`,
    );
  }
}

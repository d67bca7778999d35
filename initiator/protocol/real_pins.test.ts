// Pins by the kernel, through the device, against a real target: what each strategy does while everything
// that was sent stays held, and whose memory is whose meanwhile. Over both links that it pins.
//
//   mirrored   t0 (held) ─ a copy at once ─▶ a0 ─▶ b0, the target; answers to a0: answered, and still pinned
//   tbf alone  t0 (held) ─ nothing goes on ─▶ t1, the target: nothing is answered

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { testsInLab } from "../../testing/suites/in_lab.ts";
import { type Late, openLate } from "../../lab/late.ts";
import { openPacketLink } from "../../link/packet.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import { MS, S } from "../../words/quantity.ts";
import { type Command, OK } from "./command.ts";
import type { Device } from "./device.ts";
import { STRATEGIES, type StrategyName } from "../pool/buffer_pool.ts";
import type { Pool } from "../pool/pool.ts";
import { makeCommand } from "../../testing/doubles/scripted_peer.ts";
import { openSession, type Session } from "../session/session.ts";
import { READ, WRITE } from "./operation.ts";

const PINNING = ["ring", "xdp"] as const;
type LinkName = (typeof PINNING)[number];

const AOE = resolve(import.meta.dir, "../../aoe.ts");
const ADDRESS = { major: 7, minor: 3 };
const MIB = 1 << 20;
const WINDOW = 8;
const CAP = 8;

/**
 * How many buffers a strategy can have pinned at once, by commands that have ended, with 8 frames, 8
 * preallocated and a cap of 8.
 */
const REACH: Readonly<Record<Exclude<StrategyName, "both">, number>> = {
  fixed: WINDOW,
  "scan-swap": WINDOW + CAP,
  "lifo-swap": WINDOW + CAP,
  completion: WINDOW + CAP,
  uncapped: Infinity,
  "per-send": Infinity,
};

testsInLab(import.meta.path, { late: true, mtu: 1500 }, () => {
  let folder = "";
  let target: Bun.Subprocess;
  let late: Late;
  let open: Session | null = null;
  const image = new Uint8Array(MIB);

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "aoe-pins-"));
    for (let at = 0; at < image.length; at++) image[at] = (at * 31 + (at >> 9)) & 0xff;
    writeFileSync(join(folder, "disk"), image);
    target = Bun.spawn([process.execPath, AOE, "target", "7", "3", "b0,t1", join(folder, "disk")], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    });
    late = openLate();
  });
  afterEach(async () => {
    late.mirror(true);
    late.release();
    await open?.close();
    open = null;
  });
  afterAll(async () => {
    late.close();
    target.kill();
    await target.exited;
    rmSync(folder, { recursive: true, force: true });
  });

  /** An initiator over the ring link, the device found and its window wide open. */
  async function start(
    link: LinkName,
    strategy: StrategyName,
    where: { interface: string; transmitInterface?: string },
  ): Promise<{ session: Session; device: Device; pool: Pool }> {
    const { interface: name, ...more } = where;
    open = openSession({
      interfaces: [name],
      ...more,
      link,
      pool: strategy,
      poolPrealloc: WINDOW,
      poolCap: CAP,
      kick: 20 * MS,
      verifyPool: true,
      wrappers: [],
      seed: 1,
      wallClock: Date.now,
      timeout: 10 * S,
      packetLife: S,
      window: WINDOW,
      mode: "frugal",
      onNotice: () => {},
    });
    const session = open;
    const device = await session.find(ADDRESS, 5 * S);
    // On a busy machine an answer may be late, and the window narrower for a while.
    for (let round = 0; round < 50 && device.paths[0]?.window.size !== WINDOW; round++) {
      const loaded = run(device, READ, 100);
      await session.run(() => loaded.ended === 100);
    }
    expect(device.paths[0]?.window.size).toBe(WINDOW);
    return { session, device, pool: device.pools[0] as Pool };
  }

  interface Tally {
    ended: number;
    failed: number;
  }

  function run(device: Device, operation: number, count: number): Tally {
    const tally: Tally = { ended: 0, failed: 0 };
    for (let index = 0; index < count; index++) {
      const command: Command = makeCommand(operation, (index * 2) % 2048, 1);
      command.done = (ended) => {
        tally.ended++;
        if (ended.outcome !== OK) tally.failed++;
      };
      device.submit(command);
    }
    return tally;
  }

  function runFor(session: Session, ns: number, until = () => false): Promise<void> {
    const end = session.waiter.now() + ns;
    return session.run(() => until() || session.waiter.now() >= end);
  }

  describe.each(PINNING)("over %s: answered, and still held", (link) => {
    test("both ends no command, until the link releases its buffer", async () => {
      const { session, device, pool } = await start(link, "both", {
        interface: "a0",
        transmitInterface: "t0",
      });
      late.hold();
      const tally = run(device, READ, 40);
      await runFor(session, 10 * S, () => device.inFlight === 0 && pool.owned === WINDOW + CAP);
      await runFor(session, 50 * MS);
      expect(tally).toEqual({ ended: 0, failed: 0 });
      expect([pool.owned, pool.metrics.pinnedOnly, device.inFlight]).toEqual([WINDOW + CAP, 0, 0]);
      late.release();
      await runFor(session, 10 * S, () => tally.ended === 40);
      expect(tally).toEqual({ ended: 40, failed: 0 });
      // One that waits for its release is cancelled as any other, and its buffer comes back later.
      late.hold();
      const more = run(device, READ, 4);
      await runFor(session, 10 * S, () => device.inFlight === 0 && pool.owned === 4);
      device.close();
      expect(more).toEqual({ ended: 4, failed: 4 });
      expect([pool.owned, pool.metrics.pinnedOnly]).toEqual([0, 4]);
      late.release();
      open = null;
      expect(await session.close()).toEqual([]);
    }, 60_000);

    for (const strategy of STRATEGIES) {
      if (strategy === "both") continue;
      const reach = REACH[strategy];
      const name =
        reach === Infinity
          ? `${strategy} never runs dry`
          : `${strategy} goes dry after ${reach} commands, recovers on release, and loses no buffer`;
      test(
        name,
        async () => {
          const { session, device, pool } = await start(link, strategy, {
            interface: "a0",
            transmitInterface: "t0",
          });
          const before = pool.metrics.dry;
          late.hold();
          const tally = run(device, READ, 40);
          const dries = reach < 40;
          await runFor(session, 10 * S, () => (dries ? tally.ended === reach : tally.ended === 40));
          // Kicks that find nothing.
          if (dries) await runFor(session, 10 * S, () => pool.metrics.kicks > 1);
          const held = Math.min(reach, 40);
          expect(tally).toEqual({ ended: held, failed: 0 });
          expect(pool.metrics.pinnedOnly).toBe(held);
          if (dries) {
            expect(pool.metrics.created).toBe(reach);
            expect(pool.metrics.dry).toBeGreaterThan(before);
            expect(pool.metrics.kicks).toBeGreaterThan(1);
          } else {
            expect(pool.metrics.dry).toBe(before);
            expect(pool.metrics.kicks).toBe(0);
          }
          late.release();
          await runFor(session, 10 * S, () => tally.ended === 40 && pool.metrics.pinnedOnly === 0);
          expect(tally).toEqual({ ended: 40, failed: 0 });
          pool.check();
          expect([pool.owned, pool.metrics.pinnedOnly]).toEqual([0, 0]);
          open = null;
          expect(await session.close()).toEqual([]);
          expect(pool.metrics.leaked).toBe(0);
        },
        60_000,
      );
    }
  });

  test.each(PINNING)(
    "over %s: under tbf alone every strategy stops at the window alike",
    async (link) => {
      late.mirror(false);
      const seen: Record<string, number[]> = {};
      for (const strategy of STRATEGIES) {
        const { session, device, pool } = await start(link, strategy, { interface: "t0" });
        const { transmits } = device.counters;
        const before = { dry: pool.metrics.dry, created: pool.metrics.created };
        late.hold();
        const tally = run(device, READ, 40);
        await runFor(session, 100 * MS);
        seen[strategy] = [
          tally.ended,
          device.counters.transmits - transmits,
          device.outstanding,
          pool.metrics.dry - before.dry,
        ];
        late.release();
        await runFor(session, 10 * S, () => tally.ended === 40);
        expect(tally).toEqual({ ended: 40, failed: 0 });
        open = null;
        expect(await session.close()).toEqual([]);
      }
      const same = [0, WINDOW, WINDOW, 0];
      expect(seen).toEqual(Object.fromEntries(STRATEGIES.map((strategy) => [strategy, same])));
    },
    60_000,
  );

  test.each(PINNING)(
    "over %s: a caller's memory is his again when his write is answered, its buffer held or not",
    async (link) => {
      const { session, device, pool } = await start(link, "completion", {
        interface: "a0",
        transmitInterface: "t0",
      });
      // Where the held frames come out when they are released.
      const watcher = openPacketLink({ interface: "t1" });
      late.hold();
      const command = makeCommand(WRITE, 1000, 2);
      const bytes = command.memory?.bytes as Uint8Array;
      bytes.fill(0x5a);
      await session.perform(device, command);
      expect(command.outcome).toBe(OK);
      expect(pool.metrics.pinnedOnly).toBe(1);
      bytes.fill(0xee);
      // As many other writes as there are idle buffers: none of them may take the held one either.
      for (let index = 0; index < WINDOW; index++) {
        const other = makeCommand(WRITE, 1100 + 2 * index, 2);
        other.memory?.bytes.fill(0xc3);
        await session.perform(device, other);
      }
      expect(pool.metrics.pinnedOnly).toBe(1 + WINDOW);
      late.release();
      const left: number[][] = [];
      await runFor(session, S, () => {
        watcher.receive(({ base, bytes: frame, view }) => {
          // On a busy machine the target is silent for a while, and is asked whether it is there.
          if (aoe.command(view, base) !== aoe.COMMAND_ATA) return;
          const payload = frame.subarray(base + ata.LENGTH, base + ata.LENGTH + 1024);
          left.push([ata.lba48(view, base), Math.min(...payload), Math.max(...payload)]);
        }, 64);
        return left.length === 1 + WINDOW;
      });
      watcher.close();
      expect(left[0]).toEqual([1000, 0x5a, 0x5a]);
      expect(left.slice(1).every(([, least, most]) => least === 0xc3 && most === 0xc3)).toBe(true);
      const read = makeCommand(READ, 1000, 2);
      await session.perform(device, read);
      expect(read.memory?.bytes.every((byte) => byte === 0x5a)).toBe(true);
    },
  );
});

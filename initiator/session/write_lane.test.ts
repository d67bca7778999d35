// The write lane: every answer to a write comes by the second socket and no other, and a flood of read
// answers into a small ring costs reads, not write completions.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { testsInLab } from "../../testing/suites/in_lab.ts";
import { iterate } from "../../link/loop.ts";
import { MS, S } from "../../words/quantity.ts";
import { type Command, OK } from "../protocol/command.ts";
import type { Device } from "../protocol/device.ts";
import { makeCommand } from "../../testing/doubles/scripted_peer.ts";
import { openSession, type Session } from "./session.ts";
import { READ, WRITE } from "../protocol/operation.ts";

const AOE = resolve(import.meta.dir, "../../aoe.ts");
const READS = 40;
const WRITES = 8;

testsInLab(import.meta.path, { mtu: 9000 }, () => {
  let folder = "";
  let target: Bun.Subprocess;
  let session: Session;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "aoe-lane-"));
    writeFileSync(join(folder, "disk"), new Uint8Array(1 << 20));
    target = Bun.spawn(
      [process.execPath, AOE, "target", "-b", "128", "7", "3", "b0", join(folder, "disk")],
      {
        stdin: "ignore",
        stdout: "ignore",
        stderr: "ignore",
      },
    );
  });
  afterEach(() => session.close());
  afterAll(async () => {
    target.kill();
    await target.exited;
    rmSync(folder, { recursive: true, force: true });
  });

  /** A ring of four jumbo frames. */
  async function start(writeLane: boolean): Promise<Device> {
    session = openSession({
      link: "packet",
      writeLane,
      receiveRing: 64 << 10,
      interfaces: ["a0"],
      pool: "completion",
      poolPrealloc: 64,
      poolCap: 64,
      kick: S,
      wrappers: [],
      seed: 1,
      wallClock: Date.now,
      timeout: 10 * S,
      packetLife: 10 * MS,
      mode: "frugal",
      onNotice: () => {},
    });
    const device = await session.find({ major: 7, minor: 3 }, 5 * S);
    // Half the buffer count, to begin with.
    expect(device.paths[0]?.window.size).toBe(64);
    return device;
  }

  /** Sends everything at once, then looks away while the answers come. */
  async function flood(device: Device): Promise<{ reads: Command[]; writes: Command[] }> {
    const reads = Array.from({ length: READS }, (_, index) => makeCommand(READ, 17 * index, 17));
    const writes = Array.from({ length: WRITES }, (_, index) =>
      makeCommand(WRITE, 1000 + index, 1),
    );
    const all = [...reads, ...writes];
    session.initiator.begin(session.waiter.now());
    for (const command of all) device.submit(command);
    iterate(session.initiator, session.waiter.now());
    // The target needs some ms for all of them; on a busy machine hundreds.
    Bun.sleepSync(1000);
    await session.run(() => all.every(({ busy }) => !busy));
    expect(all.every(({ outcome }) => outcome === OK)).toBe(true);
    return { reads, writes };
  }

  const again = (commands: Command[]): number =>
    commands.filter(({ transmits }) => transmits > 1).length;

  test("one socket: write completions drown among the read answers", async () => {
    const device = await start(false);
    const before = session.raw[0]?.counters.receiveDrops ?? 0;
    const { writes } = await flood(device);
    const { lane, receiveDrops } = session.raw[0]?.counters ?? {};
    expect(lane).toBeUndefined();
    expect((receiveDrops ?? 0) - before).toBeGreaterThan(READS / 2);
    expect(again(writes)).toBe(WRITES);
  });

  test("with the lane they come at once, each by it alone, whatever becomes of the reads", async () => {
    const device = await start(true);
    const before = { ...session.raw[0]?.counters };
    const { reads, writes } = await flood(device);
    const after = { ...session.raw[0]?.counters };
    expect(again(writes)).toBe(0);
    expect(again(reads)).toBeGreaterThan(READS / 2);
    expect(after.lane).toEqual({
      received: WRITES + (before.lane?.received ?? 0),
      receiveDrops: 0,
    });
    expect((after.receiveDrops ?? 0) - (before.receiveDrops ?? 0)).toBeGreaterThan(READS / 2);
  });
});

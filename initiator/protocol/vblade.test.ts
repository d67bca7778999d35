// vblade's default buffer count of 16, kept and not kept: a device never has more out and loses nothing; who
// sends as fast as the interface takes frames loses most. And vblade's -m. (More of vblade:
// testing/suites/initiator_against_vblade.long.test.ts.)

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { testsInLab } from "../../testing/suites/in_lab.ts";
import { findProgram } from "../../lab/programs.ts";
import { openPacketLink } from "../../link/packet.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as ethernet from "../../wire/ethernet.ts";
import { MS, S } from "../../words/quantity.ts";
import { OK } from "./command.ts";
import type { Device } from "./device.ts";
import { makeCommand } from "../../testing/doubles/scripted_peer.ts";
import { openSession, type Session } from "../session/session.ts";
import { WRITE } from "./operation.ts";

const vblade = findProgram("vblade");
const SECTORS = 17;
const WRITES = 400;
/** How often a burst is tried: vblade may keep up with one, on a machine with nothing else to do. */
const BURSTS = 10;

function define(): void {
  let folder = "";
  const children: Bun.Subprocess[] = [];
  const serve = (slot: number, ...options: string[]): void => {
    const file = join(folder, `disk${slot}`);
    writeFileSync(file, new Uint8Array(8 << 20));
    children.push(
      Bun.spawn([vblade as string, ...options, "7", `${slot}`, "b0", file], {
        stdin: "ignore",
        stdout: "ignore",
        stderr: "ignore",
      }),
    );
  };
  let session: Session;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "aoe-count-"));
    serve(3);
    serve(4, "-m", "02:00:00:00:00:a0");
    serve(5, "-m", "02:00:00:00:00:99");
    session = openSession({
      interfaces: ["a0"],
      link: "packet",
      pool: "completion",
      poolPrealloc: 16,
      poolCap: 256,
      kick: 100 * MS,
      wrappers: [],
      seed: 1,
      wallClock: Date.now,
      // Waiting longer than a sleeping vblade ever takes, so that what is sent again was lost.
      rtt: { first: S, floor: S, ceiling: 2 * S },
      timeout: 10 * S,
      packetLife: S,
      mode: "frugal",
      onNotice: () => {},
    });
  });
  afterAll(async () => {
    await session.close();
    for (const child of children) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  /** Writes everything, all submitted at once. */
  async function politely(device: Device): Promise<void> {
    const { retransmits } = device.counters;
    const commands = Array.from({ length: WRITES }, (_, index) =>
      makeCommand(WRITE, SECTORS * index, SECTORS),
    );
    await Promise.all(commands.map((command) => session.perform(device, command)));
    expect(commands.every(({ outcome }) => outcome === OK)).toBe(true);
    expect(device.counters.retransmits - retransmits).toBe(0);
  }

  /** The same frames, as fast as the interface takes them; how many were answered. */
  function impolitely(device: Device): number {
    const link = openPacketLink({ interface: "a0" });
    const buffer = link.allocate(ata.LENGTH + SECTORS * 512);
    if (buffer === null) throw new Error("invariant: there is memory");
    const { view } = buffer;
    ethernet.write(view, 0, device.paths[0]?.target ?? 0, link.mac);
    let answered = 0;
    const count = (): void => {
      link.receive(() => answered++, 64);
    };
    for (let index = 0; index < WRITES; index++) {
      aoe.write(view, 0, 0, 0, device.major, device.minor, aoe.COMMAND_ATA, 0xc000_0000 + index);
      const flags = ata.FLAG_EXTENDED | ata.FLAG_WRITE;
      ata.write(view, 0, flags, 0, SECTORS, ata.WRITE_EXT, SECTORS * index);
      link.transmit(buffer, buffer.bytes.length);
      count();
    }
    for (let quiet = 0; quiet < 20; quiet++) {
      const before = answered;
      Bun.sleepSync(10);
      for (let round = 0; round < 16; round++) count();
      if (answered !== before) quiet = 0;
    }
    link.close();
    return answered;
  }

  test("its buffer count of 16 is kept: nothing is lost where an impolite initiator loses frames", async () => {
    const device = await session.find({ major: 7, minor: 3 }, 5 * S);
    expect(device.bufferCount).toBe(16);
    await politely(device);
    let lost = 0;
    for (let burst = 0; burst < BURSTS && lost === 0; burst++) lost += WRITES - impolitely(device);
    console.log(`politely 0 of ${WRITES} writes were lost, impolitely ${lost}`);
    expect(lost).toBeGreaterThan(0);
    expect(device.pools[0]?.snapshot(session.waiter.now()).occupancy.peak).toBeLessThanOrEqual(16);
  });

  test("-m: it answers whom it lists, and nobody else", async () => {
    const listed = await session.find({ major: 7, minor: 4 }, 5 * S);
    await politely(listed);
    const found = await session.find({ major: 7, minor: 5 }, 300 * MS).catch((error) => error);
    expect([found.exitCode, found.message]).toEqual([
      6,
      "e7.5 did not answer within 300 ms; e7.3 and e7.4 did",
    ]);
  });
}

if (vblade === null) {
  test.skip("vblade's buffer count: no vblade in PATH or the sbin folders", () => {});
} else {
  testsInLab(import.meta.path, { mtu: 9000 }, define);
}

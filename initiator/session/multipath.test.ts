// Two interfaces to one target, of which one goes down in mid-load and comes back.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { testsInLab } from "../../testing/suites/in_lab.ts";
import { findProgram } from "../../lab/programs.ts";
import { MS, S } from "../../words/quantity.ts";
import { OK } from "../protocol/command.ts";
import { makeCommand } from "../../testing/doubles/scripted_peer.ts";
import { openSession, type Session } from "./session.ts";
import { READ, WRITE } from "../protocol/operation.ts";

const AOE = resolve(import.meta.dir, "../../aoe.ts");

/** Whether the lab's program NAME could do it. */
function can(name: string, words: string): boolean {
  const program = findProgram(name);
  return program !== null && Bun.spawnSync([program, ...words.split(" ")]).exitCode === 0;
}

/** How the way through pair 1 ends and comes back, at the target's end; each says whether it was done. */
const FALLS = [
  {
    how: "its carrier goes",
    fall: () => can("ip", "link set b1 down"),
    rise: () => can("ip", "link set b1 up"),
  },
  {
    how: "its frames get lost in silence",
    // The loopback is down in a lab: what is sent there is no more.
    fall: () =>
      can("tc", "qdisc add dev b1 clsact") &&
      can(
        "tc",
        "filter add dev b1 ingress protocol all u32 match u32 0 0 action mirred egress redirect dev lo",
      ),
    rise: () => can("tc", "qdisc del dev b1 clsact"),
  },
] as const;

testsInLab(import.meta.path, { pairs: 2, mtu: 9000 }, () => {
  let folder = "";
  let target: Bun.Subprocess;
  let session: Session;
  let stop = false;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "aoe-multipath-"));
    writeFileSync(join(folder, "disk"), new Uint8Array(1 << 20));
    // A disk of 20 ms and 16 lanes: 800 a second, far less than even a busy machine can do.
    const words = [
      "--service",
      "lanes:16,delay:fixed/20ms",
      "7",
      "3",
      "b0,b1",
      join(folder, "disk"),
    ];
    target = Bun.spawn([process.execPath, AOE, "target", ...words], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    });
  });
  afterAll(async () => {
    stop = true;
    await session.close();
    target.kill();
    await target.exited;
    rmSync(folder, { recursive: true, force: true });
  });

  // Some kernels have no u32 or mirred.
  const possible = FALLS.filter(({ fall, rise }) => fall() && rise());
  if (possible.length < FALLS.length) test.skip("tc can't lose frames in silence here", () => {});
  test.each(possible)(
    "one goes down in mid-load, $how: no failed request, as much in flight within 1 s; up again: used again",
    async ({ fall, rise }) => {
      stop = false;
      session = openSession({
        interfaces: ["a0", "a1"],
        link: "packet",
        pool: "completion",
        poolPrealloc: 16,
        poolCap: 64,
        kick: 100 * MS,
        wrappers: [],
        seed: 1,
        wallClock: Date.now,
        timeout: 10 * S,
        packetLife: S,
        mode: "frugal",
        onNotice: () => {},
      });
      const device = await session.find({ major: 7, minor: 3 }, 5 * S);
      expect(device.paths.length).toBe(2);
      const { waiter } = session;
      let failed = 0;
      /** Of each command: when it ended, and what was in flight then. */
      const ends: { readonly at: number; readonly inFlight: number }[] = [];
      for (let index = 0; index < 16; index++) {
        const command = makeCommand(index % 4 === 0 ? WRITE : READ, 17 * index, 8);
        command.done = (ended) => {
          if (ended.outcome !== OK) failed++;
          const inFlight = device.paths.reduce((sum, path) => sum + path.inFlight, 0);
          ends.push({ at: waiter.now(), inFlight });
          if (!stop) device.submit(ended);
        };
        device.submit(command);
      }
      const runFor = (ns: number): Promise<void> => {
        const end = waiter.now() + ns;
        return session.run(() => waiter.now() >= end);
      };
      const within = (from: number, to: number) => {
        const ended = ends.filter(({ at }) => at >= from && at < to);
        const inFlight = ended.reduce((sum, end) => sum + end.inFlight, 0) / ended.length;
        return { rate: (ended.length * S) / (to - from), inFlight };
      };
      // A device's paths stand in the order in which they were proved.
      const paths = () => [...device.paths].sort((a, b) => a.port.index - b.port.index);
      const state = (): boolean[] => paths().map(({ alive }) => alive);

      await runFor(1 * S);
      const fell = waiter.now();
      const before = within(fell - 0.7 * S, fell);
      expect(fall()).toBe(true);
      await runFor(2 * S);
      const after = within(fell + S, fell + 2 * S);
      expect(state()).toEqual([true, false]);
      // Not the rates: on a busy machine they say how busy it was. What the initiator can do is to
      // keep as much in flight as before, on what is left.
      expect(after.rate).toBeGreaterThan(0);
      expect(after.inFlight / before.inFlight).toBeGreaterThan(0.7);

      expect(rise()).toBe(true);
      await runFor(1 * S);
      expect(state()).toEqual([true, true]);
      const [one, other] = paths().map(({ transmits }) => transmits) as [number, number];
      await runFor(0.5 * S);
      const [a, b] = paths().map(({ transmits }) => transmits) as [number, number];
      expect((b - other) / (b - other + a - one)).toBeGreaterThan(0.3);
      stop = true;
      await session.run(() => device.pending === 0);
      expect(failed).toBe(0);
      await session.close();
      console.log(
        [
          `${Math.round(before.rate)} a second before`,
          `${Math.round(after.rate)} from 1 to 2 s after the fall`,
          `${device.counters.retransmits} sent again`,
        ].join(", "),
      );
    },
    60_000,
  );
});

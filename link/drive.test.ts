// The real loop: it sleeps when idle, wakes for frames, descriptors, deadlines and signals, and leaves Bun's own
// loop its time.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import { now } from "../sys/clock.ts";
import { inNamespace } from "../testing/suites/in_namespace.ts";
import { createPoller } from "../sys/poll.ts";
import { usage } from "../sys/usage.ts";
import * as ethernet from "../wire/ethernet.ts";
import { drive, type DriveMode } from "./drive.ts";
import type { Link, TxBuffer } from "./link.ts";
import type { Core } from "./loop.ts";
import { createMemoryPair } from "./memory.ts";
import { openPacketLink } from "./packet.ts";
import { createPollWaiter, type PollWaiter } from "./poll_waiter.ts";

const MODES: DriveMode[] = ["low-latency", "throughput", "frugal"];
const MS = 1e6;

if (inNamespace(import.meta.path)) {
  inside();
} else {
  describe("the loop", outside);
}

/** A core without ports whose deadlines are `next()`. */
function idleCore(next: () => number, fired: (now: number) => void = () => {}): Core {
  return { ports: [], begin() {}, advance: fired, nextDeadline: next };
}

function frameTo(link: Link, to: number): TxBuffer {
  const buffer = link.allocate(60);
  if (buffer === null) throw new Error("no buffer");
  ethernet.write(buffer.view, 0, to, link.mac);
  return buffer;
}

/** Both ends in one core: `near` sends one frame at a time, `far` sends it back; counts what came back. */
function pingPong(near: Link, far: Link) {
  const out = frameTo(near, far.mac);
  const back = frameTo(far, near.mac);
  const state = { rounds: 0, core: null as unknown as Core, send: () => near.transmit(out, 60) };
  const deaf = { reclaimed() {} };
  state.core = {
    ports: [
      {
        ...deaf,
        link: near,
        visit: () => {
          state.rounds++;
          near.transmit(out, 60);
        },
      },
      { ...deaf, link: far, visit: () => far.transmit(back, 60) },
    ],
    begin() {},
    advance() {},
    nextDeadline: () => Number.POSITIVE_INFINITY,
  };
  return state;
}

function outside(): void {
  let waiter: PollWaiter;
  beforeEach(() => {
    waiter = createPollWaiter();
  });
  afterEach(() => waiter.close());

  for (const mode of MODES) {
    test(`${mode}: frames go round until told to end`, async () => {
      const [near, far] = createMemoryPair({ clock: waiter });
      const game = pingPong(near, far);
      game.send();
      await drive({ core: game.core, waiter, until: () => game.rounds >= 5000, mode });
      expect(game.rounds).toBe(5000);
    });

    test(`${mode}: deadlines are met, none early`, async () => {
      let due = now() + MS;
      const late: number[] = [];
      const core = idleCore(
        () => due,
        (at) => {
          if (at < due) return;
          late.push(at - due);
          due = at + 0.4 * MS;
        },
      );
      await drive({ core, waiter, until: () => late.length >= 200, mode });
      late.sort((x, y) => x - y);
      expect(late[0]).toBeGreaterThanOrEqual(0);
      // Microseconds on a quiet machine; wide, for one that is not.
      expect(late[100]).toBeLessThan(0.5 * MS);
    });
  }

  test("idle costs next to nothing", async () => {
    for (const mode of MODES) {
      const core = idleCore(() => Number.POSITIVE_INFINITY);
      // Let the spin die first.
      let end = now() + 50 * MS;
      await drive({ core, waiter, until: () => now() >= end, mode });
      let share = 1;
      // The least of some: threads of compiler and collector count, which a busy machine delays.
      for (let tries = 0; share >= 0.05 && tries < 30; tries++) {
        const before = usage();
        end = now() + 600 * MS;
        await drive({ core, waiter, until: () => now() >= end, mode });
        const after = usage();
        share = (after.user + after.system - before.user - before.system) / (600 * MS);
      }
      expect({ mode, idle: share < 0.05, share }).toMatchObject({ mode, idle: true });
    }
  });

  test("timers, and what they set, are served within a slice", async () => {
    const core = idleCore(() => Number.POSITIVE_INFINITY);
    let over = false;
    const start = now();
    setTimeout(() => {
      over = true;
    }, 20);
    await drive({ core, waiter, until: () => over, slice: 5 * MS });
    expect(now() - start).toBeGreaterThan(19 * MS);
    expect(now() - start).toBeLessThan(500 * MS);
  });

  test("a busy loop leaves time for timers too", async () => {
    const [near, far] = createMemoryPair({ clock: waiter });
    const game = pingPong(near, far);
    game.send();
    let ticks = 0;
    const timer = setInterval(() => ticks++, 10);
    const end = now() + 300 * MS;
    await drive({ core: game.core, waiter, until: () => now() >= end });
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(3);
    expect(game.rounds).toBeGreaterThan(1000);
  });

  test("wake ends a sleep, also one that comes before it", async () => {
    waiter.wake();
    const start = now();
    waiter.wait(start + 2000 * MS);
    expect(now() - start).toBeLessThan(1000 * MS);
    // Taken: the next wait is a wait again.
    const again = now();
    waiter.wait(again + 20 * MS);
    expect(now() - again).toBeGreaterThanOrEqual(19 * MS);
  });

  test("a signal's handler runs while the loop sleeps", async () => {
    const core = idleCore(() => Number.POSITIVE_INFINITY);
    let heard = 0;
    const handler = () => heard++;
    process.on("SIGUSR2", handler);
    const sender = Bun.spawn(["sh", "-c", `sleep 0.1; kill -USR2 ${process.pid}`]);
    const start = now();
    await drive({ core, waiter, until: () => heard > 0 || now() > start + 3000 * MS });
    process.off("SIGUSR2", handler);
    expect(heard).toBe(1);
    expect(now() - start).toBeLessThan(1500 * MS);
    await sender.exited;
  });

  test("another descriptor is served while frames keep the loop busy, and while it sleeps", async () => {
    const [near, far] = createMemoryPair({ clock: waiter });
    const game = pingPong(near, far);
    const other = createPoller();
    let served = 0;
    waiter.add(other.wakeFd, () => {
      served++;
      other.serve();
    });
    game.send();
    other.wake();
    const end = now() + 2000 * MS;
    await drive({ core: game.core, waiter, until: () => served > 0 || now() > end });
    expect(served).toBe(1);
    const core = idleCore(() => Number.POSITIVE_INFINITY);
    setTimeout(() => other.wake(), 5);
    await drive({ core, waiter, until: () => served > 1 || now() > end });
    expect(served).toBe(2);
    waiter.remove(other.wakeFd);
    other.close();
  });

  test("looked at after each iteration, another descriptor is served between two", async () => {
    const other = createPoller();
    let iterations = 0;
    let wokenAt = 0;
    let servedAt = 0;
    waiter.add(other.wakeFd, () => {
      servedAt ||= iterations;
      other.serve();
    });
    const busy = idleCore(
      () => 0,
      () => {
        if (++iterations === 100) {
          wokenAt = iterations;
          other.wake();
        }
      },
    );
    await drive({ core: busy, waiter, until: () => servedAt > 0, lookEvery: 0 });
    expect([wokenAt, servedAt]).toEqual([100, 100]);
    waiter.remove(other.wakeFd);
    other.close();
  });

  test("expecting nothing it sleeps after one iteration; expecting something it spins first", async () => {
    for (const expected of [false, true]) {
      let time = 0;
      let iterations = 0;
      const iterationsAtSleep: number[] = [];
      const core = idleCore(
        () => Number.POSITIVE_INFINITY,
        () => {
          iterations++;
        },
      );
      await drive({
        core,
        // Each look at the clock takes a microsecond.
        waiter: {
          now: () => (time += 1e3),
          wait(deadline) {
            iterationsAtSleep.push(iterations);
            time = deadline;
          },
          wake() {},
        },
        until: () => iterationsAtSleep.length > 0,
        expecting: () => expected,
      });
      // low-latency spins for 50 µs.
      expect(iterationsAtSleep).toEqual([expected ? 50 : 1]);
    }
  });

  test("a spin that died comes back once a sleep was hardly longer than the waking up", async () => {
    let time = 0;
    let iterations = 0;
    const iterationsAtSleep: number[] = [];
    const core = idleCore(
      () => Number.POSITIVE_INFINITY,
      () => {
        iterations++;
      },
    );
    await drive({
      core,
      waiter: {
        now: () => (time += 1e3),
        wait(deadline) {
          iterationsAtSleep.push(iterations);
          iterations = 0;
          // Six sleeps to the end of their slice; then one that a frame ends, as late as machines wake up.
          time = iterationsAtSleep.length <= 6 ? deadline : time + 150e3;
        },
        wake() {},
      },
      until: () => iterationsAtSleep.length >= 8,
    });
    expect(iterationsAtSleep.slice(0, 6)).toEqual([50, 24, 12, 6, 3, 1]);
    expect(iterationsAtSleep[7]).toBeGreaterThanOrEqual(49);
  });

  test("with settle, who awaits an answer goes on at once", async () => {
    const [near, far] = createMemoryPair({ clock: waiter });
    const out = frameTo(near, far.mac);
    const back = frameTo(far, near.mac);
    let answered: (() => void) | null = null;
    let rounds = 0;
    const core: Core = {
      ports: [
        { link: near, visit: () => answered?.(), reclaimed() {} },
        { link: far, visit: () => far.transmit(back, 60), reclaimed() {} },
      ],
      begin() {},
      advance() {},
      nextDeadline: () => Number.POSITIVE_INFINITY,
    };
    const ask = () =>
      new Promise<void>((resolve) => {
        answered = resolve;
        near.transmit(out, 60);
      });
    const caller = (async () => {
      for (; rounds < 2000; rounds++) await ask();
    })();
    const start = now();
    await drive({ core, waiter, until: () => rounds >= 2000, settle: true });
    await caller;
    // At a yield each 5 ms this would be 10 s.
    expect(now() - start).toBeLessThan(2000 * MS);
  });
}

function inside(): void {
  test("a frame from another process ends a long sleep, and so does a link that went down", async () => {
    const waiter = createPollWaiter();
    const link = openPacketLink({ interface: "va" });
    for (const fd of link.fds) waiter.add(fd);
    let frames = 0;
    let changes = 0;
    link.onChange = () => changes++;
    const core: Core = {
      ports: [{ link, visit: () => frames++, reclaimed() {} }],
      begin() {},
      advance() {},
      nextDeadline: () => Number.POSITIVE_INFINITY,
    };
    const script = `
      import { openPacketLink } from "${import.meta.dir}/packet.ts";
      const link = openPacketLink({ interface: "vb" });
      const buffer = link.allocate(60);
      buffer.bytes.fill(0xff, 0, 6);
      buffer.view.setUint16(12, 0x88a2);
      Bun.sleepSync(200);
      link.transmit(buffer, 60);
      link.flush();
    `;
    const sender = Bun.spawn([process.execPath, "-e", script], { stderr: "inherit" });
    const start = now();
    const slice = 1e10;
    const mode = "frugal";
    await drive({ core, waiter, until: () => frames > 0, mode, slice });
    expect(now() - start).toBeLessThan(5000 * MS);
    await sender.exited;
    const downer = Bun.spawn(["sh", "-c", "sleep 0.1; ip link set va down"]);
    await drive({ core, waiter, until: () => changes > 0, mode, slice });
    await downer.exited;
    expect(link.carrier).toBe(false);
    // Its error is taken, so that sleeping is sleeping again, once the last of the news has come.
    let slept = 0;
    for (let tries = 0; slept < 29 * MS && tries < 1000; tries++) {
      Bun.sleepSync(2);
      link.receive(() => {}, 1);
      const asleep = now();
      waiter.wait(asleep + 30 * MS);
      slept = now() - asleep;
    }
    expect(slept).toBeGreaterThanOrEqual(29 * MS);
    link.close();
    waiter.close();
  });
}

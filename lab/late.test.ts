// The late release, proved with raw sockets: who has a frame when, and when its memory is released.

import { readlinkSync } from "node:fs";
import { resolve } from "node:path";

import { afterEach, expect, test } from "bun:test";

import { findInterface } from "../sys/interface.ts";
import { mapMemory } from "../sys/memory.ts";
import { openPacketSocket } from "../sys/packet_socket.ts";
import { MS } from "../words/quantity.ts";
import { until } from "../testing/doubles/lab_target.ts";
import { insideLabTests, testsInLab } from "../testing/suites/in_lab.ts";
import { type Late, openLate } from "./late.ts";
import { openLateHold } from "./late_hold.ts";
import { parseLatePlan } from "./late_plan.ts";
import { childrenOf } from "./process_tree.ts";

const AOE = resolve(import.meta.dir, "../aoe.ts");
const AOE_TYPE = 0x88a2;
const FRAME = 1014;

function aoe(...words: string[]) {
  const run = Bun.spawnSync([process.execPath, AOE, "lab", "late", ...words]);
  return { exitCode: run.exitCode, stdout: run.stdout.toString(), stderr: run.stderr.toString() };
}

/** A sender on t0 that numbers its frames, and listeners on b0 (the copies) and t1 (the frames). */
function openBench() {
  const memory = mapMemory(2 * 9100);
  const sender = openPacketSocket();
  sender.bind(findInterface("t0").index, 0);
  const listeners = ["b0", "t1"].map((name) => {
    const socket = openPacketSocket();
    socket.bind(findInterface(name).index, AOE_TYPE);
    return socket;
  });
  const [fast, slow] = listeners;
  if (fast === undefined || slow === undefined) throw new Error("invariant: two listeners");
  let number = 0;
  memory.view.setUint16(12, AOE_TYPE);

  /** The numbers of the frames that a listener has received since it was last asked. */
  function take(socket: typeof fast): number[] {
    const numbers: number[] = [];
    while ((socket?.receive(memory.address + 9100, 9100) ?? -1) > 0) {
      numbers.push(memory.view.getUint32(9100 + 14));
    }
    return numbers;
  }

  return {
    /** Sends `count` frames and returns their numbers. */
    send(count: number, bytes = FRAME): number[] {
      return Array.from({ length: count }, () => {
        number += 1;
        memory.view.setUint32(14, number);
        expect(sender.send(memory.address, bytes)).toBe(0);
        return number;
      });
    },
    /** What has arrived by now; veth delivers within the send, the soft interrupt a moment later. */
    async arrived(): Promise<{ fast: number[]; slow: number[] }> {
      await Bun.sleep(15);
      return { fast: take(fast), slow: take(slow) };
    },
    /** Bytes of sent frames that the kernel still has. */
    pinned: () => sender.queuedBytes(),
    /** Waits until it has none. */
    released: () => until("the kernel to have no frame", () => sender.queuedBytes() === 0),
    close() {
      sender.close();
      for (const socket of listeners) socket.close();
      memory.unmap();
    },
  };
}

testsInLab(import.meta.path, { late: true }, () => {
  let late: Late = openLate();
  let bench = openBench();

  afterEach(() => {
    late.mirror(true);
    late.release();
    late.close();
    bench.close();
    late = openLate();
    bench = openBench();
  });

  test("begins released: copies and frames arrive at once, nothing is held", async () => {
    const sent = bench.send(5);
    expect(await bench.arrived()).toEqual({ fast: sent, slow: sent });
    expect(late.held()).toEqual({ frames: 0, bytes: 0 });
    await bench.released();
  });

  test("held from the first frame on: the peer has each at once, the kernel keeps it", async () => {
    late.hold();
    const sent = bench.send(10);
    expect(await bench.arrived()).toEqual({ fast: sent, slow: [] });
    expect(late.held()).toEqual({ frames: 10, bytes: 10 * FRAME });
    expect(bench.pinned()).toBeGreaterThan(10 * FRAME);
  });

  test("not even short frames seep through", async () => {
    late.hold();
    const sent = bench.send(20, 36);
    // At one byte a second and charged by their length, one would pass within 36 s of tokens saved up;
    // here the bucket was emptied, and each frame costs a whole one.
    await Bun.sleep(1_100);
    expect(await bench.arrived()).toEqual({ fast: sent, slow: [] });
  });

  test("release lets all go, in order, at once", async () => {
    late.hold();
    const sent = bench.send(30);
    const begun = performance.now();
    late.release();
    expect((await bench.arrived()).slow).toEqual(sent);
    expect(performance.now() - begun).toBeLessThan(500);
    await bench.released();
    const more = bench.send(3);
    expect(await bench.arrived()).toEqual({ fast: more, slow: more });
  });

  test("drop frees what is held without its ever arriving", async () => {
    late.hold();
    const sent = bench.send(7);
    late.drop();
    expect(await bench.arrived()).toEqual({ fast: sent, slow: [] });
    await bench.released();
    const more = bench.send(3);
    expect(await bench.arrived()).toEqual({ fast: more, slow: more });
  });

  test("without the mirror nobody has a held frame", async () => {
    late.mirror(false);
    late.mirror(false);
    late.hold();
    const sent = bench.send(4);
    expect(await bench.arrived()).toEqual({ fast: [], slow: [] });
    late.release();
    expect(await bench.arrived()).toEqual({ fast: [], slow: sent });
    late.mirror(true);
    late.mirror(true);
    const more = bench.send(1);
    expect(await bench.arrived()).toEqual({ fast: more, slow: more });
  });

  test("frames of the whole MTU are held, too", async () => {
    late.hold();
    // No more than the send buffer of an unprivileged socket admits.
    const sent = bench.send(8, 14 + 9000);
    expect(await bench.arrived()).toEqual({ fast: sent, slow: [] });
    late.release();
    expect((await bench.arrived()).slow).toEqual(sent);
  });

  test("pulse holds for its share of the time and leaves the lab released", async () => {
    const stop = new AbortController();
    const pulsing = late.pulse(20 * MS, 50 * MS, stop.signal);
    const share = async (): Promise<number> => {
      let held = 0;
      let turns = 0;
      for (const begun = performance.now(); performance.now() - begun < 600; turns++) {
        bench.send(1);
        await Bun.sleep(1);
        if (bench.pinned() > 0) held += 1;
      }
      return held / turns;
    };
    // 40 % by the clock. On a busy machine this loop misses most of it, but not each time.
    const shares: number[] = [];
    const fits = (one: number): boolean => one > 0.15 && one < 0.75;
    while (!shares.some(fits) && shares.length < 60) shares.push(await share());
    stop.abort();
    await pulsing;
    expect(shares.filter(fits).length, shares.join(" ")).toBe(1);
    await bench.arrived();
    await bench.released();
    // A pause that isn't shorter than its period is refused.
    await expect(late.pulse(50 * MS, 50 * MS, stop.signal)).rejects.toThrow(
      "shorter than its period",
    );
  });

  test("a pause that is shorter than it takes to make one ends when it is told to", async () => {
    const stop = new AbortController();
    const before = late.total.holds;
    // On a busy machine one hold alone may take 100 ms.
    const ended = until("two holds", () => late.total.holds > before + 1).then(() => stop.abort());
    await late.pulse(MS, 1.1 * MS, stop.signal);
    await ended;
    bench.send(1);
    await bench.arrived();
    await bench.released();
  });

  test("a plan is followed, and released when it is told to end", async () => {
    const stop = new AbortController();
    const before = { ...late.total };
    const following = late.follow(
      parseLatePlan("hold:20ms,drop:120ms,hold:140ms", "plan"),
      stop.signal,
    );
    await Bun.sleep(80);
    const dropped = bench.send(2);
    expect(bench.pinned()).toBeGreaterThan(0);
    await Bun.sleep(120);
    expect(await bench.arrived()).toEqual({ fast: dropped, slow: [] });
    const sent = bench.send(3);
    expect(await bench.arrived()).toEqual({ fast: sent, slow: [] });
    stop.abort();
    await following;
    expect((await bench.arrived()).slow).toEqual(sent);
    expect(late.total.holds - before.holds).toBe(2);
    expect(late.total.held_ns - before.held_ns).toBeGreaterThan(100 * MS);
  });

  test("a load's hold begins and ends by its word, and with the process that began it", async () => {
    const hold = await openLateHold(parseLatePlan("hold:0s", "plan"));
    const early = bench.send(1);
    expect(await bench.arrived()).toEqual({ fast: early, slow: early });
    hold.begin();
    await Bun.sleep(100);
    const sent = bench.send(2);
    expect(await bench.arrived()).toEqual({ fast: sent, slow: [] });
    hold.end();
    expect(await hold.close()).toMatchObject({ holds: 1 });
    expect((await bench.arrived()).slow).toEqual(sent);
    const path = resolve(import.meta.dir, "late_hold.ts");
    const script = `import { openLateHold } from ${JSON.stringify(path)};
const hold = await openLateHold({ text: "hold:0s", moves: [], pulse: null });
hold.begin();
await Bun.sleep(100);
process.kill(process.pid, "SIGKILL");`;
    const killed = Bun.spawnSync([process.execPath, "-e", script]);
    expect(killed.signalCode).toBe("SIGKILL");
    for (let round = 0; round < 100 && late.held().frames > 0; round++) await Bun.sleep(20);
    bench.send(1);
    await bench.arrived();
    await bench.released();
  });

  test("a hold whose process is killed is told as failed", async () => {
    const self = Number(readlinkSync("/proc/self"));
    const others = childrenOf(self);
    const hold = await openLateHold(parseLatePlan("hold:0s", "plan"));
    const [player = 0] = childrenOf(self).filter((child) => !others.includes(child));
    process.kill(player, "SIGKILL");
    await Bun.sleep(50);
    hold.begin();
    hold.end();
    await expect(hold.close()).rejects.toMatchObject({
      exitCode: 1,
      message: "What moves the late lab's hold ended with code 137",
    });
  });

  test("the commands do the same from another process", async () => {
    expect(aoe("hold")).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    const sent = bench.send(3);
    expect(await bench.arrived()).toEqual({ fast: sent, slow: [] });
    expect(aoe("release").exitCode).toBe(0);
    expect((await bench.arrived()).slow).toEqual(sent);
    expect(aoe("hold").exitCode).toBe(0);
    bench.send(3);
    expect(aoe("drop").exitCode).toBe(0);
    expect((await bench.arrived()).slow).toEqual([]);
    expect(aoe("pulse", "10ms", "every", "30ms", "--for", "100ms").exitCode).toBe(0);
    await bench.released();
    expect(aoe("pulse", "10ms", "each", "30ms").exitCode).toBe(2);
    expect(aoe("pulse", "10", "every", "30ms").stderr).toStartWith(
      "Expected `PAUSE` to be a duration",
    );
  });
});

testsInLab(import.meta.path, { late: true, mtu: 1500 }, () => {
  test("a hold suits the MTU of its lab", async () => {
    const late = openLate();
    const bench = openBench();
    late.hold();
    const sent = bench.send(5, 1514);
    expect(await bench.arrived()).toEqual({ fast: sent, slow: [] });
    late.release();
    expect((await bench.arrived()).slow).toEqual(sent);
    late.close();
    bench.close();
  });
});

if (!insideLabTests) {
  test("a load's hold ends with the Failure of its process", async () => {
    const open = openLateHold(parseLatePlan("hold:0s", "plan"));
    await expect(open).rejects.toMatchObject({
      exitCode: 5,
      message: "No late release here: this runs inside `aoe lab --late -- COMMAND…` only.",
    });
  });

  test("outside a late lab one sentence says so", () => {
    const run = aoe("hold");
    expect(run.exitCode).toBe(5);
    expect(run.stderr).toBe(
      "No late release here: this runs inside `aoe lab --late -- COMMAND…` only.\n",
    );
  });
}

// The late release, proved with raw sockets: who has a frame when, and when its memory is let go.

import { resolve } from "node:path";

import { afterEach, expect, test } from "bun:test";

import { findInterface } from "../../sys/interface.ts";
import { mapMemory } from "../../sys/memory.ts";
import { openPacketSocket } from "../../sys/packet_socket.ts";
import { MS } from "../../words/quantity.ts";
import { insideLabTests, testsInLab } from "./in_lab.ts";
import { type Late, openLate } from "./late.ts";

const AOE = resolve(import.meta.dir, "../../aoe.ts");
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
    expect(bench.pinned()).toBe(0);
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
    expect(bench.pinned()).toBe(0);
    const more = bench.send(3);
    expect(await bench.arrived()).toEqual({ fast: more, slow: more });
  });

  test("drop frees what is held without its ever arriving", async () => {
    late.hold();
    const sent = bench.send(7);
    late.drop();
    expect(await bench.arrived()).toEqual({ fast: sent, slow: [] });
    expect(bench.pinned()).toBe(0);
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
    let held = 0;
    let turns = 0;
    const begun = performance.now();
    while (performance.now() - begun < 600) {
      bench.send(1);
      await Bun.sleep(1);
      turns += 1;
      if (bench.pinned() > 0) held += 1;
    }
    stop.abort();
    await pulsing;
    // 40 % by the clock; each turn of the loop may see the edge late on a busy machine.
    expect(held / turns).toBeWithin(0.15, 0.75);
    await bench.arrived();
    expect(bench.pinned()).toBe(0);
    // A pause that isn't shorter than its period is refused.
    await expect(late.pulse(50 * MS, 50 * MS, stop.signal)).rejects.toThrow(
      "shorter than its period",
    );
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
    expect(bench.pinned()).toBe(0);
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
  test("outside a late lab one sentence says so", () => {
    const run = aoe("hold");
    expect(run.exitCode).toBe(5);
    expect(run.stderr).toBe(
      "No late release here: this runs inside `aoe lab --late -- COMMAND…` only.\n",
    );
  });
}

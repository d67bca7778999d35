// Several paths, paths that die, frames too large for a path; and the kick of a dry pool.

import { describe, expect, test } from "bun:test";

import * as ata from "../../wire/ata.ts";
import { type Command, OK } from "./command.ts";
import type { Device } from "./device.ts";
import {
  makeCommand,
  OUR_MAC,
  Scripted,
  type ScriptedOptions,
} from "../../testing/doubles/scripted_peer.ts";
import { READ, WRITE } from "./operation.ts";

const US = 1e3;
const MS = 1e6;
const S = 1e9;

/** Keeps `depth` commands moving until `count` have ended; their outcomes. */
function load(peer: Scripted, device: Device, depth: number, count: number): number[] {
  const outcomes: number[] = [];
  let started = 0;
  const next = (command: Command): void => {
    if (started >= count) return;
    command.lba = (started++ * 4) % 900;
    command.operation = started % 3 === 0 ? WRITE : READ;
    device.submit(command);
  };
  for (let index = 0; index < depth; index++) {
    const command = makeCommand(READ, 0, 2);
    command.done = (ended) => {
      outcomes.push(ended.outcome);
      next(ended);
    };
    next(command);
  }
  peer.run(() => outcomes.length >= count);
  return outcomes;
}

describe("multipath", () => {
  const two: ScriptedOptions = { links: 2, bufferCount: 16 };

  test("P12: both paths are used, and never more is out than the buffer count over both", () => {
    const peer = new Scripted(two);
    const device = peer.find();
    expect(device.paths.length).toBe(2);
    let out = 0;
    let most = 0;
    peer.script = (request) => {
      out++;
      most = Math.max(most, out);
      peer.answer(request, { delay: 100 * US });
    };
    const outcomes: number[] = [];
    let started = 0;
    for (let index = 0; index < 40; index++) {
      const command = makeCommand(READ, index, 1);
      command.done = (ended) => {
        out--;
        outcomes.push(ended.outcome);
        if (++started < 3000) device.submit(ended);
      };
      device.submit(command);
    }
    peer.run(() => device.pending === 0);
    expect(outcomes.every((outcome) => outcome === OK)).toBe(true);
    expect(most).toBe(16);
    const [a, b] = device.paths.map(({ transmits }) => transmits) as [number, number];
    expect(Math.abs(a - b)).toBeLessThan(100);
  });

  test("P6: an answer by the other path is taken, and credited to the path that it came by", () => {
    const peer = new Scripted(two);
    const device = peer.find();
    peer.script = (request) => {
      const port = 1 - request.port;
      peer.answer(request, { port, destination: OUR_MAC + port });
    };
    const samples = device.paths.map(({ rtt }) => rtt.samples);
    expect(load(peer, device, 4, 100).every((outcome) => outcome === OK)).toBe(true);
    expect(device.paths.map(({ rtt }) => rtt.samples)).toEqual(samples);
  });

  test("one goes down in mid-load: no request fails, throughput is back within a second; up again: used again", () => {
    const peer = new Scripted(two);
    const device = peer.find();
    peer.script = (request) => peer.answer(request, { delay: 2 * MS });
    load(peer, device, 16, 500);
    // The far end: our own link tells us nothing.
    peer.switches[1]?.down(1);
    const fell = peer.clock.now();
    const ends: number[] = [];
    const outcomes: number[] = [];
    let stop = false;
    for (let index = 0; index < 16; index++) {
      const command = makeCommand(index % 2 === 0 ? READ : WRITE, 10 * index, 2);
      command.done = (ended) => {
        outcomes.push(ended.outcome);
        ends.push(peer.clock.now() - fell);
        if (!stop) device.submit(ended);
      };
      device.submit(command);
    }
    peer.runFor(2 * S);
    expect(outcomes.every((outcome) => outcome === OK)).toBe(true);
    expect(device.paths.map(({ alive }) => alive)).toEqual([true, false]);
    const inSecond = (from: number): number =>
      ends.filter((at) => at >= from && at < from + S).length;
    // Sixteen at a time, each 2 ms: 8000 a second, as before.
    expect(inSecond(1 * S)).toBeGreaterThan(7800);
    peer.switches[1]?.up(1);
    peer.runFor(1 * S);
    expect(device.paths.map(({ alive }) => alive)).toEqual([true, true]);
    const before = device.paths[1]?.transmits as number;
    peer.runFor(1 * S);
    expect((device.paths[1]?.transmits as number) - before).toBeGreaterThan(3000);
    stop = true;
    peer.run(() => device.pending === 0);
    expect(outcomes.every((outcome) => outcome === OK)).toBe(true);
  });
});

describe("jumbo frames that get lost", () => {
  test("the path falls back to two sectors, and the request ends well", () => {
    const peer = new Scripted({ mtu: 9000, sectorCount: 17 });
    const device = peer.find();
    expect(device.sectorsPerFrame).toBe(17);
    peer.script = (request) => {
      if (request.count <= 2) peer.answer(request);
    };
    const read = makeCommand(READ, 100, 40);
    device.submit(read);
    peer.run(() => !read.busy);
    expect(read.outcome).toBe(OK);
    expect(read.memory?.bytes).toEqual(peer.image.slice(100 * 512, 140 * 512));
    expect(device.counters.fallBacks).toBe(1);
    expect(device.sectorsPerFrame).toBe(2);
    expect(read.doneAt - read.submittedAt).toBeLessThan(1 * S);
  });

  test("a jumbo write that is split counts as a copy in flight: what overlaps is held back", () => {
    const peer = new Scripted({ mtu: 9000, sectorCount: 17 });
    const device = peer.find();
    const large: number[] = [];
    peer.script = (request) => {
      if (request.count <= 2) peer.answer(request);
      else large.push(request.at);
    };
    const first = makeCommand(WRITE, 100, 17);
    first.memory?.bytes.fill(1);
    device.submit(first);
    peer.run(() => !first.busy);
    expect(first.outcome).toBe(OK);
    const next = makeCommand(WRITE, 116, 1);
    device.submit(next);
    peer.run(() => !next.busy);
    expect(next.sentAt).toBe(Math.max(...large) + 1 * S);
  });

  for (const operation of [READ, WRITE]) {
    const name = operation === READ ? "reads" : "writes";
    test(`a slow disk under ${name} is taken for that no longer than until its late answers come`, () => {
      const peer = new Scripted({ mtu: 9000, sectorCount: 17 });
      const device = peer.find();
      const loadJumbo = (count: number): void => {
        const commands = Array.from({ length: count }, (_, index) =>
          makeCommand(operation, 17 * (index % 50), 17),
        );
        for (const command of commands) device.submit(command);
        peer.run(() => commands.every(({ busy }) => !busy));
        expect(commands.every(({ outcome }) => outcome === OK)).toBe(true);
      };
      peer.script = (request) => peer.answer(request, { delay: 100 * US });
      loadJumbo(50);
      // Config answers go on coming at once, so that it looks as if only large frames were lost.
      peer.script = (request) => peer.answer(request, { delay: 300 * MS });
      loadJumbo(2);
      peer.runFor(500 * MS);
      expect(device.counters.fallBacks).toBeGreaterThan(0);
      expect(device.sectorsPerFrame).toBe(17);
    });
  }

  test("a dead target is no reason to fall back", () => {
    const peer = new Scripted({ mtu: 9000, sectorCount: 17 });
    const device = peer.find();
    peer.alive = false;
    const read = makeCommand(READ, 100, 100);
    device.submit(read);
    peer.runFor(5 * S);
    peer.alive = true;
    peer.run(() => !read.busy);
    expect(read.outcome).toBe(OK);
    expect(device.sectorsPerFrame).toBe(17);
  });

  test("a smaller MTU of our own takes effect at once, and frames in hand are cut", () => {
    const peer = new Scripted({ mtu: 9000, sectorCount: 17 });
    const device = peer.find();
    peer.script = () => {};
    const write = makeCommand(WRITE, 50, 34);
    write.memory?.bytes.fill(0x3c);
    device.submit(write);
    peer.runFor(100 * US);
    peer.script = (request) => peer.answer(request);
    peer.fabric.setMtu(1500);
    peer.run(() => !write.busy);
    expect(write.outcome).toBe(OK);
    expect(device.sectorsPerFrame).toBe(2);
    expect(peer.image.slice(50 * 512, 84 * 512).every((byte) => byte === 0x3c)).toBe(true);
  });
});

describe("the kick", () => {
  /** A pool of four frames, each pinned for 30 ms; the target answers at once. */
  const late: ScriptedOptions = {
    bufferCount: 64,
    strategy: "fixed",
    preallocated: 4,
    reclaim: "delay:30ms",
  };

  /** Starts of the commands, ms from the first. */
  function starts(options: ScriptedOptions): { at: number[]; device: Device; peer: Scripted } {
    const peer = new Scripted(options);
    const device = peer.find();
    peer.runFor(1 * S);
    const start = peer.clock.now();
    const commands = Array.from({ length: 12 }, (_, lba) => makeCommand(READ, lba, 1));
    for (const command of commands) device.submit(command);
    peer.run(() => commands.every(({ busy }) => !busy));
    return { at: commands.map(({ sentAt }) => Math.round((sentAt - start) / MS)), device, peer };
  }

  test("dry with nothing outstanding: asked again after 100 ms, and not before, whatever the link releases", () => {
    const { at, device } = starts(late);
    expect(at).toEqual([0, 0, 0, 0, 100, 100, 100, 100, 200, 200, 200, 200]);
    expect([device.counters.kicks, device.counters.kickStall]).toEqual([2, 200 * MS]);
    expect(device.pools[0]?.metrics.kicks).toBe(2);
  });

  test("a kick of 10 ms finds nothing until the link has released", () => {
    const { at, device } = starts({ ...late, options: { kick: 10 * MS } });
    expect(at).toEqual([0, 0, 0, 0, 30, 30, 30, 30, 60, 60, 60, 60]);
    expect(device.counters.kicks).toBe(6);
  });

  test("on-release: at once when the link releases", () => {
    const { at, device } = starts({ ...late, options: { kick: "on-release" } });
    expect(at).toEqual([0, 0, 0, 0, 30, 30, 30, 30, 60, 60, 60, 60]);
    expect(device.counters.kicks).toBe(0);
  });

  test("`completion` is re-driven by releases without being told", () => {
    const { at } = starts({ ...late, strategy: "completion", cap: 0 });
    expect(at).toEqual([0, 0, 0, 0, 30, 30, 30, 30, 60, 60, 60, 60]);
  });

  test("the wait for a buffer is the time with room in the window and no buffer", () => {
    const peer = new Scripted(late);
    const device = peer.find();
    peer.runFor(1 * S);
    const commands = Array.from({ length: 8 }, (_, lba) => makeCommand(READ, lba, 1));
    for (const command of commands) device.submit(command);
    peer.run(() => commands.every(({ busy }) => !busy));
    expect(commands.map(({ bufferWait }) => bufferWait / MS)).toEqual([
      0, 0, 0, 0, 100, 100, 100, 100,
    ]);
  });

  test("while commands are outstanding no kick is set: their answers ask again", () => {
    const peer = new Scripted({ ...late, strategy: "scan-swap", preallocated: 4, cap: 2 });
    const device = peer.find();
    peer.runFor(1 * S);
    peer.script = (request) => peer.answer(request, { delay: request.lba === 0 ? 45 * MS : 0 });
    const commands = Array.from({ length: 8 }, (_, lba) => makeCommand(READ, lba, 1));
    const start = peer.clock.now();
    for (const command of commands) device.submit(command);
    peer.run(() => commands.every(({ busy }) => !busy));
    const at = commands.map(({ sentAt }) => Math.round((sentAt - start) / MS));
    expect(at.slice(0, 6)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(at.slice(6).every((ms) => ms === 45 || ms < 45)).toBe(true);
    expect(device.counters.kicks).toBe(0);
    expect(ata.SECTOR).toBe(512);
  });
});

// Single stages by themselves, to the nanosecond, and what a model does with the stages that a command never reached.

import { describe, expect, test } from "bun:test";

import * as ata from "../../wire/ata.ts";
import { UNDECIDED } from "../outcome.ts";
import {
  createProbe,
  model,
  pattern,
  readFrame,
  SECTORS,
  writeFrame,
} from "../../testing/doubles/probe.ts";
import { JobQueue } from "./queue.ts";
import type { Job, Stage } from "./stage.ts";

const MS = 1e6;

function job(lba = 0, sectors = 1): Job {
  return {
    opcode: ata.READ_EXT,
    lba,
    sectors,
    write: false,
    copies: 1,
    decided: UNDECIDED,
    failedLba: lba,
    heldAt: 0,
    next: null,
  };
}

function stage(text: string): Stage {
  return model(text).stages[0] as Stage;
}

test("stall: a period begins with the first command, and its pause is the last FOR of it, to the nanosecond", () => {
  const begin = 3 * MS + 7;
  const stall = stage("stall:10ms/2ms");
  const enter = (after: number): number => stall.enter(job(), begin + after) - begin;
  expect(enter(0)).toBe(0);
  expect(enter(8 * MS - 1)).toBe(8 * MS - 1);
  expect(enter(8 * MS)).toBe(10 * MS);
  expect(enter(10 * MS - 1)).toBe(10 * MS);
  expect(enter(10 * MS)).toBe(10 * MS);
  expect(enter(18 * MS)).toBe(20 * MS);
});

describe("seek", () => {
  const turn = 60e9 / 7200;
  const sector = turn / 1024;

  test("one head: what comes meanwhile begins when it is free", () => {
    const seek = stage("seek:7200/1ms/15ms");
    const first = seek.enter(job(0, 4), 0);
    expect(first).toBe(Math.ceil(4 * sector));
    // The next ones on the track, though they came at the same time.
    const second = seek.enter(job(4, 4), 0);
    expect(second).toBe(Math.ceil(first + 4 * sector));
    // After a pause the head stands where it was.
    expect(seek.enter(job(8, 1), 100 * MS)).toBe(Math.ceil(100 * MS + sector));
  });

  test("the arm takes MINSEEK and up to MAXSEEK by the root of the way, then the platter comes round", () => {
    for (const [from, to] of [
      [0, SECTORS],
      [100, 350],
      [350, 100],
      [0, 1],
    ] as const) {
      const seek = stage("seek:7200/1ms/15ms");
      const arrive = seek.enter(job(from, 0), 0);
      const way = MS + 14 * MS * Math.sqrt(Math.abs(to - from) / SECTORS);
      const there = arrive + way;
      const angle = (to % 1024) * sector;
      const rotation = (((angle - there) % turn) + turn) % turn;
      expect(rotation).toBeWithin(0, turn);
      expect(seek.enter(job(to, 2), arrive)).toBe(Math.ceil(there + rotation + 2 * sector));
    }
  });
});

test("what hung goes on from when it was released: stages behind count from there", () => {
  const probe = createProbe({ service: "hang:100%,delay:5ms" });
  probe.ask(readFrame(0, 1, { tag: 1 }));
  probe.run(1e9);
  probe.iterate();
  expect(probe.target.release(probe.owner)).toBe(1);
  expect(probe.target.release(probe.owner)).toBe(0);
  expect(probe.run(5 * MS - 1)).toEqual([]);
  expect(probe.run(1)).toHaveLength(1);
});

test("a command that never reached a stage gives nothing back there", () => {
  const probe = createProbe({ service: "drop:50%,lanes:1,delay:1ms" });
  for (let tag = 0; tag < 40; tag++) probe.send(writeFrame(tag, pattern(1, tag), { tag }));
  let answers = 0;
  for (let ms = 0; ms <= 40; ms++) {
    const now = probe.run(ms === 0 ? 0 : MS).length;
    // One lane: one a millisecond.
    expect(now).toBeLessThanOrEqual(1);
    answers += now;
  }
  expect(answers).toBeWithin(8, 32);
  expect(probe.owner.counters.modelDropped).toBe(40 - answers);
});

test("a queue is first in, first out, and knows how many it holds", () => {
  const queue = new JobQueue();
  const jobs = Array.from({ length: 5 }, (_, lba) => job(lba));
  expect(queue.shift()).toBeNull();
  for (let round = 0; round < 3; round++) {
    for (const each of jobs) queue.push(each);
    expect(queue.length).toBe(5);
    for (const [index, each] of jobs.entries()) {
      expect(queue.first).toBe(each);
      expect(queue.shift()).toBe(each);
      expect([queue.length, each.next]).toEqual([4 - index, null]);
    }
    expect([queue.first, queue.shift(), queue.length]).toEqual([null, null, 0]);
  }
});

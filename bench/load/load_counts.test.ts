// What a load counts, with commands that are ended by hand.

import { describe, expect, test } from "bun:test";
import {
  ATA_ERROR,
  MEMORY_LOST,
  OK,
  OTHER_DISK,
  TIMEOUT,
} from "../../initiator/protocol/command.ts";
import { Linear } from "./arrivals.ts";
import { handLoad } from "../../testing/doubles/hand_load.ts";
import type { Histogram } from "../../statistics/histogram.ts";
import { READ, WRITE } from "../../initiator/protocol/operation.ts";

/** What a histogram of few values holds: how many, and their sum. */
const told = (histogram: Histogram): [number, number] => [histogram.count, histogram.sum];

test("each outcome but `ok` is a failure, that of lost memory too, and is named", () => {
  const { load, advance, end } = handLoad({ iodepth: 1, rampTime: 0, runtime: 1000 });
  let now = 0;
  for (let outcome = OK; outcome <= OTHER_DISK; outcome++) {
    advance(now++);
    end(now++, outcome);
    expect([outcome, load.failures]).toEqual([outcome, outcome]);
  }
  expect(Array.from(load.outcomes)).toEqual([1, 1, 1, 1, 1, 1, 1]);
  expect(load.completed).toBe(1);

  const lost = handLoad({ iodepth: 1, rampTime: 0, runtime: 1000 });
  lost.advance(0);
  lost.end(1, MEMORY_LOST);
  expect(lost.load.failures).toBe(1);
  expect(lost.load.firstFailure).toBe("read of 1 sectors at 0: memory lost");
});

describe("the parts of a command's way", () => {
  /** Due at 100, submitted at 110, held back to 125, buffered at 160 after 20 for a buffer, sent at 167, done at 267. */
  const STAMPS = {
    dueAt: 100,
    submittedAt: 110,
    heldBefore: 15,
    heldBack: 40,
    bufferWait: 20,
    bufferedAt: 160,
    sentAt: 167,
  };

  test("are told from each other, and add up to the latency from when it was due", () => {
    const { load, advance, end } = handLoad({
      iodepth: 1,
      rampTime: 0,
      runtime: 1000,
      rw: "write",
    });
    advance(0);
    end(267, OK, STAMPS);
    expect([load.read.ios, load.write.ios]).toEqual([0, 1]);
    expect(told(load.schedule)).toEqual([1, 10]);
    expect(told(load.holdBack)).toEqual([1, 15]);
    expect(told(load.windowWait)).toEqual([1, 15]);
    expect(told(load.bufferWait)).toEqual([1, 20]);
    expect(told(load.linkWait)).toEqual([1, 7]);
    expect(told(load.wire)).toEqual([1, 100]);
    expect(told(load.lat)).toEqual([1, 167]);
    // fio's two: to the link, and beyond.
    expect([told(load.write.slat), told(load.write.clat)]).toEqual([
      [1, 57],
      [1, 100],
    ]);
  });

  test("of a command that failed are in no figure", () => {
    const { load, advance, end } = handLoad({ iodepth: 1, rampTime: 0, runtime: 1000 });
    advance(0);
    end(267, ATA_ERROR, STAMPS);
    for (const part of [load.schedule, load.holdBack, load.bufferWait, load.wire, load.lat]) {
      expect(told(part)).toEqual([0, 0]);
    }
    expect([load.completed, load.failures]).toEqual([0, 1]);
  });
});

describe("the measured time", () => {
  test("has nothing of the ramp: neither reads nor writes, no part, no depth, no time inside", () => {
    for (const rw of ["read", "write"] as const) {
      const { load, advance, end } = handLoad({ iodepth: 2, rampTime: 100, runtime: 1000, rw });
      advance(0);
      const late = { dueAt: 0, submittedAt: 10, heldBefore: 3, bufferWait: 5, bufferedAt: 30 };
      end(50, OK, { ...late, sentAt: 40 });
      end(60, OK, { ...late, sentAt: 40 });
      expect([rw, load.completed, load.isMeasured]).toEqual([rw, 2, false]);
      advance(100);
      expect([rw, load.isMeasured, load.measuredFrom]).toEqual([rw, true, 100]);
      for (const direction of [load.read, load.write]) {
        expect([rw, direction.ios, Math.max(...direction.intervals)]).toEqual([rw, 0, 0]);
        for (const part of [direction.slat, direction.clat, direction.lat]) {
          expect([rw, told(part)]).toEqual([rw, [0, 0]]);
        }
      }
      const { bufferWait, holdBack, linkWait, schedule, windowWait } = load;
      for (const part of [schedule, holdBack, windowWait, bufferWait, linkWait]) {
        expect([rw, told(part)]).toEqual([rw, [0, 0]]);
      }
      expect([rw, load.area, load.totalTime]).toEqual([rw, 0, 0]);
      // Two were submitted at its begin: while one was out, and while two were.
      expect([rw, Array.from(load.depths)]).toEqual([rw, [1, 1, 0, 0, 0, 0, 0]]);
      // What the ramp sent and the measured time ends counts, from when it was due.
      end(150);
      expect([rw, load.completed, load.lat.sum]).toEqual([rw, 1, 50]);
    }
  });

  test("ends before its last nanosecond: what ends at it does not count", () => {
    const { load, advance, end } = handLoad({ iodepth: 2, rampTime: 0, runtime: 1000 });
    advance(0);
    end(999);
    end(1000);
    expect([load.completed, load.outcomes[OK]]).toEqual([1, 2]);
  });

  test("ends early where it is stopped, and in the ramp begins and ends at once", () => {
    const { load, advance, end } = handLoad({ iodepth: 1, rampTime: 0, runtime: 1000 });
    advance(0);
    load.stop(400);
    advance(400);
    end(450);
    advance(500);
    expect([load.measuredTo, load.completed, load.finished]).toEqual([400, 0, true]);
    const ramp = handLoad({ iodepth: 1, rampTime: 100, runtime: 1000 });
    ramp.advance(0);
    ramp.load.stop(50);
    expect([ramp.load.measuredFrom, ramp.load.measuredTo]).toEqual([50, 50]);
  });

  test("has twenty intervals, counted from its begin", () => {
    const { load, advance, end } = handLoad({ iodepth: 1, rampTime: 500, runtime: 2000 });
    advance(0);
    end(10);
    for (const at of [500, 599, 600, 2499]) {
      advance(500);
      end(at);
    }
    expect(Array.from(load.read.intervals)).toEqual([2, 1, ...Array(17).fill(0), 1]);
  });

  test("counts depths in doublings, the last without an end", () => {
    const { load, advance } = handLoad({ iodepth: 200, rampTime: 0, runtime: 1000 });
    advance(0);
    expect(Array.from(load.depths)).toEqual([1, 2, 4, 8, 16, 32, 137]);
  });
});

test("outcomes count in the drain too, and the first failure is the one that is told", () => {
  const { load, advance, end } = handLoad({ iodepth: 3, rampTime: 0, runtime: 100 });
  advance(0);
  end(50, TIMEOUT);
  advance(100);
  end(5000, ATA_ERROR, { ataStatus: 0x41, ataError: 4, failedLba: 7 });
  end(6000, ATA_ERROR);
  expect([load.failures, load.outcomes[TIMEOUT], load.outcomes[ATA_ERROR]]).toEqual([3, 1, 2]);
  expect(load.firstFailure).toBe("read of 1 sectors at 0: timeout");
});

test("reads and writes are told apart", () => {
  const { load, open, advance, end } = handLoad({
    iodepth: 1,
    rampTime: 0,
    runtime: 1e6,
    rw: "randrw",
  });
  const seen = { [READ]: 0, [WRITE]: 0 };
  for (let now = 0; now < 200; now += 2) {
    advance(now);
    const operation = open[0]?.operation === WRITE ? WRITE : READ;
    seen[operation]++;
    end(now + 1);
  }
  expect([load.read.ios, load.write.ios]).toEqual([seen[READ], seen[WRITE]]);
  expect(Math.min(load.read.ios, load.write.ios)).toBeGreaterThan(20);
});

test("what was due within the measured time and not submitted is overdue; what is due at its end is not", () => {
  const { load, advance } = handLoad({
    iodepth: 1,
    rampTime: 0,
    runtime: 1000,
    arrivals: new Linear(1e7, 0),
  });
  // One is out; due were those at 0, 100, … 900, and at 1000 the next.
  advance(0);
  advance(1000);
  expect(load.overdue).toBe(9);
});

describe("latencies of an open loop are those of what was due in the measured time", () => {
  /** Due every 100 ns from 0 on: at 0 … 400 in the ramp, at 500 … 1400 in the measured time. */
  const made = (iodepth: number) =>
    handLoad({ iodepth, rampTime: 500, runtime: 1000, arrivals: new Linear(1e7, 0) });

  test("what was due in the ramp and ends later is a command of the measured time, and no latency of it", () => {
    const { load, open, advance, end } = made(99);
    for (let now = 0; now <= 500; now += 100) advance(now);
    expect(open.length).toBe(6);
    for (let left = 5; left > 0; left--) end(600);
    expect([load.completed, told(load.lat)]).toEqual([5, [0, 0]]);
    end(640);
    expect([load.completed, told(load.lat)]).toEqual([6, [1, 140]]);
  });

  test("what ends in the drain has taken as long as it did; what was never sent, at least until the end", () => {
    const { load, open, advance, end } = made(7);
    for (let now = 0; now <= 500; now += 100) advance(now);
    for (let left = 5; left > 0; left--) end(500);
    // Seven of ten are sent, and stay out; the target answers none before the end.
    for (let now = 600; now <= 1500; now += 100) advance(now);
    expect([open.length, load.overdue, load.completed]).toEqual([7, 3, 5]);
    expect(told(load.unsubmitted)).toEqual([3, 300 + 200 + 100]);
    for (let left = 7; left > 0; left--) end(2500);
    advance(2600);
    expect([load.finished, load.completed]).toEqual([true, 5]);
    // 500 … 1100 end at 2500; 1200, 1300 and 1400 had waited at 1500.
    expect(told(load.lat)).toEqual([10, 7 * 2500 - (7 * 1600) / 2 + 600]);
    expect(load.lat.most).toBe(2000);
    expect(load.schedule.count).toBe(10);
  });

  test("what fails in the drain is no latency", () => {
    const { load, advance, end } = made(7);
    for (let now = 0; now <= 500; now += 100) advance(now);
    for (let left = 5; left > 0; left--) end(500);
    for (let now = 600; now <= 1500; now += 100) advance(now);
    for (let left = 7; left > 0; left--) end(9000, TIMEOUT);
    expect([load.lat.count, load.overdue, load.failures]).toEqual([3, 3, 7]);
  });

  test("and a closed loop's are those of what ended in it", () => {
    const { load, advance, end } = handLoad({ iodepth: 2, rampTime: 0, runtime: 1000 });
    advance(0);
    end(900);
    advance(1000);
    end(4000);
    expect([load.completed, told(load.lat), load.unsubmitted.count]).toEqual([1, [1, 900], 0]);
  });
});

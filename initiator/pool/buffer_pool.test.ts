// The conformance suite for all strategies, over a link moved by hand and over the memory link with
// a reclaim model.

import { describe, expect, test } from "bun:test";
import { createMemoryPair } from "../../link/memory.ts";
import { createReclaim } from "../../link/reclaim.ts";
import { parseReclaim } from "../../link/reclaim_model.ts";
import { createVirtualClock } from "../../link/virtual_clock.ts";
import { EXIT, Failure } from "../../words/failure.ts";
import { createPool, STRATEGIES } from "./buffer_pool.ts";
import { HandLink } from "../../link/hand.ts";
import { type Holder, poolConformance } from "../../testing/suites/pool_suite.ts";

function byHand(): Holder {
  const link = new HandLink();
  let now = 5e9;
  return {
    link,
    now: () => now,
    fill: () => 60,
    pass: (ns) => {
      now += ns;
    },
    release: () => link.releaseAll(),
    close: () => link.close(),
  };
}

const HOLD = 1e9;

function late(): Holder {
  const clock = createVirtualClock(5e9);
  const [inner] = createMemoryPair({ clock });
  const link = createReclaim(inner, parseReclaim("delay:1s", "--reclaim"), clock);
  return {
    link,
    now: () => clock.now(),
    fill: (buffer) => {
      buffer.bytes.fill(0xa5, 0, 60);
      return 60;
    },
    pass: (ns) => clock.wait(clock.now() + ns),
    release: () => clock.wait(clock.now() + HOLD),
    close: () => link.close(),
  };
}

for (const strategy of STRATEGIES) {
  poolConformance(strategy, "a link moved by hand", byHand);
  poolConformance(strategy, "memory with delay:1s", late);
}

describe("createPool", () => {
  const settings = { frameBytes: 1514, preallocated: 16, cap: 256, verify: true };

  test("only completion and both are driven again by a release of the link", () => {
    for (const strategy of STRATEGIES) {
      const pool = createPool({ ...settings, strategy, link: new HandLink() });
      const redriven = strategy === "completion" || strategy === "both";
      expect([pool.name, pool.redrivenByReclaim]).toEqual([strategy, redriven]);
      expect(pool.endsAtRelease).toBe(strategy === "both");
    }
  });

  test("fixed never has more than 16 frames", () => {
    const link = new HandLink();
    const pool = createPool({ ...settings, strategy: "fixed", link, preallocated: 64 });
    expect([pool.frames, link.allocated, pool.metrics.cap]).toEqual([16, 16, 0]);
  });

  test("a link that cannot give the preallocated buffers is a failure of the environment, and nothing is lost", () => {
    for (const strategy of ["fixed", "scan-swap", "completion"] as const) {
      const link = new HandLink(10);
      let failure: unknown = null;
      try {
        createPool({ ...settings, strategy, link });
      } catch (error) {
        failure = error;
      }
      if (!(failure instanceof Failure)) throw failure;
      expect(failure.exitCode).toBe(EXIT.environment);
      expect(failure.message).toContain("only 10 of the pool's 16 preallocated buffers");
      expect(link.allocated).toBe(0);
    }
  });

  test("below the cap, a link without memory makes it dry, counted", () => {
    for (const strategy of [
      "scan-swap",
      "lifo-swap",
      "completion",
      "uncapped",
      "per-send",
    ] as const) {
      const link = new HandLink(20);
      const pool = createPool({ ...settings, strategy, link });
      const out = Array.from({ length: 16 }, (_, i) => pool.acquire(i));
      for (const buffer of out) {
        if (buffer === null) throw new Error("dry too early");
        link.transmit(buffer, 60);
        pool.release(buffer, 100);
      }
      for (let i = 0; i < 5; i++) {
        const buffer = pool.acquire(200);
        if ((buffer === null) !== (i === 4)) throw new Error(`${strategy}: ${i}`);
        if (buffer !== null) link.transmit(buffer, 60);
      }
      expect([pool.metrics.allocationFailures, pool.metrics.dry]).toEqual([1, 1]);
    }
  });
});

// Little's law and steady state: what holds is told to hold, and what doesn't is not.

import { describe, expect, test } from "bun:test";
import { littlesLaw } from "./littles_law.ts";
import { steadyState } from "./steady_state.ts";

describe("steady state", () => {
  test("level rates are steady, a ramp and a spike are not", () => {
    expect(steadyState([100, 101, 99, 100, 102, 100]).steady).toBe(true);
    expect(steadyState([80, 90, 100, 110, 120, 130])).toMatchObject({ steady: false });
    expect(steadyState([100, 100, 100, 100, 100, 100, 60]).steady).toBe(false);
    // Each within 20 %, yet drifting by more than 10 %.
    const drifting = steadyState([92, 95, 98, 101, 104, 107]);
    expect(drifting.deviation).toBeLessThan(0.2);
    expect(drifting.drift).toBeGreaterThan(0.1);
    expect(drifting.steady).toBe(false);
    // And the other way.
    const falling = steadyState([107, 104, 101, 98, 95, 92]);
    expect([falling.drift, falling.steady]).toEqual([-drifting.drift, false]);
  });

  test("too few intervals, or none that did anything, can't tell", () => {
    expect(steadyState([100, 100]).steady).toBeNull();
    expect(steadyState([0, 0, 0, 0, 0, 0]).steady).toBeNull();
  });
});

describe("Little's law", () => {
  test("holds for an honest count", () => {
    // 16 outstanding for a second.
    expect(littlesLaw(1e9, 16e9, 16e9)).toMatchObject({ occupancy: 16, product: 16, holds: true });
  });

  test("shows a command that was counted twice, or timed short", () => {
    expect(littlesLaw(1e9, 16.3e9, 16e9).holds).toBe(false);
    expect(littlesLaw(1e9, 15.7e9, 16e9).holds).toBe(false);
    expect(littlesLaw(1e9, 1e9, 0).holds).toBe(false);
  });

  test("nothing happened: nothing is wrong", () => {
    expect(littlesLaw(0, 0, 0).holds).toBe(true);
  });
});

// The current time: asked for once, and again only when something was done since.

import { expect, test } from "bun:test";

import { createRandom } from "../../words/random.ts";
import { Host } from "./host.ts";

test("the clock is asked where time has passed since the last look, and never goes back", () => {
  let time = 1000;
  let asked = 0;
  const clock = {
    now() {
      asked++;
      time += 500;
      return time;
    },
  };
  const host = new Host({
    links: [],
    random: createRandom(1),
    pool() {
      throw new Error("no link, no pool");
    },
    clock,
  });
  host.begin(1000);
  host.look();
  expect([host.now, asked]).toEqual([1000, 0]);
  // A frame that was there before the iteration began, and one that came within it.
  host.arrived(900);
  expect(host.now).toBe(1000);
  host.arrived(1200);
  expect(host.now).toBe(1200);
  host.look();
  expect([host.now, asked]).toEqual([1500, 1]);
  // A device that has something to send may have worked for long on it.
  host.begin(1600);
  host.touch(0);
  host.look();
  expect([host.now, asked]).toEqual([2000, 2]);
  host.begin(2100);
  host.worked();
  host.look();
  expect([host.now, asked]).toEqual([2500, 3]);
});

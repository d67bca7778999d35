// What a load counts, with commands that are ended by hand.

import { expect, test } from "bun:test";
import { MEMORY_LOST, OK, OTHER_DISK } from "../initiator/command.ts";
import { handLoad } from "./hand_load.ts";

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

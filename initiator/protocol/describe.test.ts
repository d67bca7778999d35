// What a time-out says of the answers that came and were none.

import { expect, test } from "bun:test";

import * as ata from "../../wire/ata.ts";
import { TIMEOUT } from "./command.ts";
import { describeOutcome } from "./describe.ts";
import { makeCommand, Scripted, type Twist } from "../../testing/doubles/scripted_peer.ts";
import { READ } from "./operation.ts";

/** The sentence of a read of two sectors that each answer is twisted for, and of as many answers. */
function sentence(twist: Twist, most = Infinity): string {
  const peer = new Scripted({ options: { timeout: 1e9 } });
  const device = peer.find();
  let count = 0;
  peer.script = (request) => {
    if (count++ < most) peer.answer(request, twist);
  };
  const read = makeCommand(READ, 4, 2);
  device.submit(read);
  peer.run(() => !read.busy, 20e9);
  expect(read.outcome).toBe(TIMEOUT);
  return describeOutcome(device, read);
}

test("read answers with too few bytes are said, and not called silence", () => {
  expect(sentence({ length: ata.LENGTH + 512 })).toMatch(
    /^e7\.3 can't read sectors 4 to 5: (\d+) answers with too few bytes came \(the last with 512 of 1024 bytes\), and no right one within 1 s \(\1 frames sent\)$/,
  );
  expect(sentence({ length: ata.LENGTH + 100 }, 1)).toContain(
    ": 1 answer with too few bytes came (100 of 1024 bytes), and no right one within 1 s",
  );
});

test("answers that contradict their request are said", () => {
  expect(sentence({ minor: 4 })).toMatch(
    /: \d+ answers came that contradict the request, and no right one within 1 s/,
  );
});

test("silence is silence", () => {
  expect(sentence({}, 0)).toMatch(/: no answer within 1 s \(\d+ frames sent\)$/);
});

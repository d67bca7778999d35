// Answers find their requests; copies are told from requests that use a tag again.

import { expect, test } from "bun:test";
import { createExchanges } from "./exchange.ts";
import type { Frame } from "./frame.ts";
import { BROADCAST } from "./mac.ts";

const HOST = 0x0200_0000_0001;
const OTHER_HOST = 0x0200_0000_0002;
const TARGET = 0x0200_0000_0010;

function ask(
  tag: number,
  more: { lba?: number; to?: number; from?: number; major?: number } = {},
): Frame {
  const { lba = 0, to = TARGET, from = HOST, major = 7 } = more;
  return {
    ethernet: { destination: to, source: from, type: 0x88a2 },
    aoe: { version: 1, flags: 0, error: 0, major, minor: 3, command: 0, tag },
    body: { kind: "ata", flags: 0x40, feature: 0, count: 1, command: 0x24, lba, reserved: 0 },
    rest: new Uint8Array(24),
  };
}
function answer(request: Frame, from = TARGET, major = 7, minor = 3): Frame {
  return {
    ...request,
    ethernet: { destination: request.ethernet.source, source: from, type: 0x88a2 },
    aoe: { ...request.aoe, flags: 8, major, minor },
  };
}

test("an answer finds its request and its round trip", () => {
  const exchanges = createExchanges();
  expect(exchanges.see(ask(1), 1, 1000)).toEqual({ request: null, roundTrip: null, copy: 1 });
  exchanges.see(ask(2, { lba: 8 }), 2, 1500);
  const seen = exchanges.see(answer(ask(1)), 3, 4000);
  expect([seen.request?.number, seen.roundTrip, seen.copy]).toEqual([1, 3000, 1]);
  expect([exchanges.requests(), exchanges.unanswered()]).toEqual([2, 1]);
});

test("not by tag alone: the initiator and the address count too", () => {
  const exchanges = createExchanges();
  exchanges.see(ask(1), 1, 0);
  expect(exchanges.see(answer(ask(1, { from: OTHER_HOST })), 2, 1).request).toBeNull();
  expect(exchanges.see(answer(ask(1), TARGET, 8), 3, 1).request).toBeNull();
  expect(exchanges.see(answer(ask(1), TARGET, 7, 4), 3, 1).request).toBeNull();
  expect(exchanges.see(answer(ask(2)), 4, 1).request).toBeNull();
  // P6: an address that was not asked may answer.
  expect(exchanges.see(answer(ask(1), TARGET + 1), 5, 1).request?.number).toBe(1);
});

test("a broadcast has as many answers as targets", () => {
  const exchanges = createExchanges();
  const discovery = ask(0, { to: BROADCAST, major: 0xffff });
  exchanges.see(discovery, 1, 0);
  expect(exchanges.see(answer(discovery, TARGET, 7), 2, 5).request?.number).toBe(1);
  expect(exchanges.see(answer(discovery, TARGET + 1, 8), 3, 6).request?.number).toBe(1);
  expect(exchanges.unanswered()).toBe(0);
});

test("the same before an answer is a copy, after it a new request; other content is a new request", () => {
  const exchanges = createExchanges();
  exchanges.see(ask(1), 1, 0);
  expect(exchanges.see(ask(1), 2, 10).copy).toBe(2);
  const seen = exchanges.see(answer(ask(1)), 3, 12);
  expect([seen.request?.number, seen.roundTrip, seen.copy]).toEqual([1, 2, 2]);
  expect(exchanges.see(ask(1), 4, 20).copy).toBe(1);
  expect(exchanges.see(ask(1, { lba: 9 }), 5, 21).copy).toBe(1);
  expect(exchanges.see(answer(ask(1, { lba: 9 })), 6, 22).request?.number).toBe(5);
  expect([exchanges.requests(), exchanges.unanswered()]).toEqual([3, 1]);
});

test("what it remembers is bounded: the oldest request goes first", () => {
  const exchanges = createExchanges();
  for (let tag = 0; tag < 65_537; tag++) exchanges.see(ask(tag), tag + 1, tag);
  expect(exchanges.see(answer(ask(0)), 70_000, 70_000).request).toBeNull();
  expect(exchanges.see(answer(ask(1)), 70_001, 70_000).request?.number).toBe(2);
  expect(exchanges.see(answer(ask(65_536)), 70_002, 70_000).request?.number).toBe(65_537);
});

test("where a capture does not tell the initiator, requests of two hosts are two", () => {
  const exchanges = createExchanges();
  exchanges.see(ask(1), 1, 0, 0, null);
  expect(exchanges.see(ask(1, { from: OTHER_HOST }), 2, 1, 0, null).copy).toBe(1);
  expect(exchanges.see(ask(1, { from: OTHER_HOST }), 3, 2, 0, null).copy).toBe(2);
  expect(exchanges.requests()).toBe(2);
  expect(exchanges.see(answer(ask(1)), 4, 5, 0, null).request?.number).toBe(2);
});

test("a request that is seen at two places is one, and each place has its own times", () => {
  const exchanges = createExchanges();
  exchanges.see(ask(1), 1, 10, 0);
  expect(exchanges.see(ask(1), 2, 12, 1).copy).toBe(1);
  expect(exchanges.see(ask(1), 3, 40, 1).copy).toBe(2);
  const second = exchanges.see(answer(ask(1)), 4, 50, 1);
  expect([second.roundTrip, second.copy]).toEqual([10, 2]);
  const first = exchanges.see(answer(ask(1)), 5, 55, 0);
  expect([first.roundTrip, first.copy]).toEqual([45, 1]);
  // A tap whose directions are interfaces of their own sees the answer where no request was.
  expect(exchanges.see(answer(ask(1)), 6, 60, 7).roundTrip).toBe(50);
  expect([exchanges.requests(), exchanges.unanswered()]).toEqual([1, 0]);
});

test("a tag that is used again is as young as its last request", () => {
  const exchanges = createExchanges();
  const again = 70_000;
  exchanges.see(ask(again, { lba: 8 }), 0, 0);
  for (let tag = 1; tag < 65_536; tag++) exchanges.see(ask(tag), tag, tag);
  exchanges.see(ask(again), 65_536, 65_536);
  // One more than there is room for.
  exchanges.see(ask(65_536), 65_537, 65_537);
  expect(exchanges.see(answer(ask(again)), 65_538, 70_000).request?.number).toBe(65_536);
  expect(exchanges.see(answer(ask(1)), 65_539, 70_000).request).toBeNull();
  expect(exchanges.see(answer(ask(2)), 65_540, 70_000).request?.number).toBe(2);
});

// The base of wrappers leaves each member to the link that it is around, once and as given; and the
// order of wrappers, seen from what each of them lets the others see.

import { expect, test } from "bun:test";
import { createRandom } from "../words/random.ts";
import { read } from "../wire/read_capture.ts";
import { createCapture } from "./capture.ts";
import { parseFaults } from "./fault_plan.ts";
import { createFaults } from "./faults.ts";
import type { Link, TxBuffer } from "./link.ts";
import { createMemoryPair } from "./memory.ts";
import { createReclaim } from "./reclaim.ts";
import { parseReclaim } from "./reclaim_model.ts";
import { createVirtualClock } from "./virtual_clock.ts";
import { WrappedLink, wrapLink } from "./wrap.ts";

const clock = createVirtualClock();

function wrappers() {
  let bytes = new Uint8Array(0);
  return {
    frames() {
      const capture = read(new DataView(bytes.buffer));
      if (!("next" in capture)) throw new Error("no capture");
      let count = 0;
      while (capture.next() !== null) count++;
      return count;
    },
    capture: (inner: Link) =>
      createCapture(inner, {
        clock,
        sink: (chunk) => {
          bytes = chunk.slice();
        },
      }),
    lose: (inner: Link) =>
      createFaults(inner, parseFaults("tx:drop:100%", "x"), { clock, random: createRandom(1) }),
    hold: (inner: Link) => createReclaim(inner, parseReclaim("stuck", "x"), clock),
  };
}

test("the first wrapper stands nearest the core", () => {
  const [base] = createMemoryPair({ clock });
  const { capture, lose, frames } = wrappers();
  const meant = wrapLink(base, [capture, lose]);
  const buffer = meant.allocate(60);
  if (buffer === null) throw new Error("no buffer");
  meant.transmit(buffer, 60);
  meant.close();
  expect(frames()).toBe(1);
});

test("the last one stands nearest the wire", () => {
  const [base] = createMemoryPair({ clock });
  const { capture, lose, hold, frames } = wrappers();
  const seen = wrapLink(base, [hold, lose, capture]);
  const buffer = seen.allocate(60);
  if (buffer === null) throw new Error("no buffer");
  seen.transmit(buffer, 60);
  // Lost below the hold: held all the same, as a driver would that never knows.
  expect(buffer.pins).toBe(1);
  seen.close();
  expect(frames()).toBe(0);
});

test("no wrapper is the link itself", () => {
  const [base] = createMemoryPair({ clock });
  expect(wrapLink(base, [])).toBe(base);
});

const sent = {} as TxBuffer;
const visit = (): void => {};

/** A member, what it is given, and what the inner link says. */
const CALLS = [
  ["allocate", [60], sent],
  ["free", [sent], undefined],
  ["receive", [visit, 7], 3],
  ["transmit", [sent, 60], true],
  ["flush", [], undefined],
  ["reclaim", [], 2],
  ["nextDeadline", [], 1234],
  ["close", [], undefined],
] as const;
const VALUES = { mac: 5, mtu: 1500, fds: [3], counters: { receiveDrops: 9 } } as const;

function watched(): { readonly inner: Link; readonly calls: unknown[][] } {
  const calls: unknown[][] = [];
  const members = CALLS.map(([name, , said]) => {
    const member = (...given: unknown[]): unknown => {
      calls.push([name, ...given]);
      return said;
    };
    return [name, member] as const;
  });
  const inner = { ...VALUES, onChange: null, ...Object.fromEntries(members) } as unknown as Link;
  return { inner, calls };
}

test.each(CALLS)("%s is the inner link's", (name, given, said) => {
  const { inner, calls } = watched();
  const wrapped = new WrappedLink(inner);
  const member = wrapped[name] as (...args: readonly unknown[]) => unknown;
  expect(member.apply(wrapped, [...given])).toEqual(said as unknown);
  expect(calls).toEqual([[name, ...given]]);
});

test("values are the inner link's, a listener is set there, and no member is left out", () => {
  const { inner } = watched();
  const wrapped = new WrappedLink(inner);
  for (const [name, value] of Object.entries(VALUES)) {
    expect<unknown>(wrapped[name as keyof typeof VALUES]).toBe(value);
  }
  wrapped.onChange = visit;
  expect([inner.onChange, wrapped.onChange]).toEqual([visit, visit]);
  const members = Object.getOwnPropertyNames(WrappedLink.prototype).slice(1);
  const tried = [...CALLS.map(([name]) => name), ...Object.keys(VALUES), "onChange"];
  expect(members.toSorted()).toEqual(tried.toSorted());
});

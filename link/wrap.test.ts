// The order of wrappers, seen from what each of them lets the others see.

import { expect, test } from "bun:test";
import { createRandom } from "../words/random.ts";
import { read } from "../wire/read_capture.ts";
import { createCapture } from "./capture.ts";
import { parseFaults } from "./fault_plan.ts";
import { createFaults } from "./faults.ts";
import type { Link } from "./link.ts";
import { createMemoryPair } from "./memory.ts";
import { createReclaim } from "./reclaim.ts";
import { parseReclaim } from "./reclaim_model.ts";
import { createVirtualClock } from "./virtual_clock.ts";
import { wrapLink } from "./wrap.ts";

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

// Links that release late: an answer's buffer is the link's until it says otherwise, and the target neither writes
// it meanwhile nor runs out.

import { expect, test } from "bun:test";

import type { FrameView, Link, TxBuffer } from "../../link/link.ts";
import { iterate } from "../../link/loop.ts";
import { createMemoryPair } from "../../link/memory.ts";
import { createReclaim } from "../../link/reclaim.ts";
import { parseReclaim } from "../../link/reclaim_model.ts";
import { createVirtualClock, runVirtual } from "../../link/virtual_clock.ts";
import { toBytes } from "../../wire/frame.ts";
import { Export } from "./export.ts";
import {
  MAJOR,
  MINOR,
  model,
  OURS,
  PEER,
  pattern,
  readFrame,
  SECTORS,
} from "../../testing/doubles/probe.ts";
import { createMemoryStore } from "../stores/memory.ts";
import { Target } from "./target.ts";

/** `inner`, with a look at every buffer that it has pinned: `changed` counts those that were written meanwhile. */
function watch(inner: Link): { link: Link; changed: () => number; allocated: () => number } {
  const sent = new Map<TxBuffer, Uint8Array>();
  let changed = 0;
  let allocated = 0;
  const look = (): void => {
    for (const [buffer, bytes] of sent) {
      if (buffer.pins === 0) sent.delete(buffer);
      else if (!Bun.deepEquals(buffer.bytes, bytes)) changed++;
    }
  };
  const link: Link = Object.create(inner, {
    onChange: { value: null, writable: true },
    allocate: {
      value: (size: number) => {
        allocated++;
        return inner.allocate(size);
      },
    },
    transmit: {
      value: (buffer: TxBuffer, length: number) => {
        look();
        const taken = inner.transmit(buffer, length);
        if (taken && buffer.pins > 0) sent.set(buffer, Uint8Array.from(buffer.bytes));
        return taken;
      },
    },
    receive: {
      value: (visit: (frame: FrameView) => void, limit: number) => inner.receive(visit, limit),
    },
    reclaim: {
      value: () => {
        look();
        return inner.reclaim();
      },
    },
    flush: { value: () => inner.flush() },
    nextDeadline: { value: () => inner.nextDeadline() },
  }) as Link;
  return { link, changed: () => changed, allocated: () => allocated };
}

test.each([
  ["coalesce:64/1ms", ""],
  ["delay:1ms", "lanes:16,delay:100us"],
  ["next-xmit:100us", "duplicate:50%"],
  ["on-receive:100us", "delay:uniform/1us/500us"],
])(
  "under reclaim %s with service `%s` no pinned buffer is written, and every request is answered",
  (late, service) => {
    const clock = createVirtualClock();
    const [ours, peer] = createMemoryPair({ clock, macA: OURS, macB: PEER });
    const watched = watch(createReclaim(ours, parseReclaim(late, "--reclaim"), clock));
    const store = createMemoryStore(SECTORS);
    store.bytes.set(pattern(SECTORS, 1));
    const target = new Target();
    target.addExport(
      new Export({
        major: MAJOR,
        minor: MINOR,
        store,
        ...(service === "" ? {} : { model: model(service) }),
      }),
    );
    target.addPort(watched.link, "late");
    const buffer = peer.allocate(1514) as TxBuffer;
    let answers = 0;
    const visit = ({ bytes, base, length }: FrameView): void => {
      const tag = new DataView(bytes.buffer, base, length).getUint32(20);
      const data = bytes.slice(base + 36, base + 36 + 512);
      if (bytes[base + 19] !== 0) return;
      expect(data).toEqual(store.bytes.slice((tag % 900) * 512, (tag % 900) * 512 + 512));
      answers++;
    };
    for (let tag = 0; tag < 2000; tag++) {
      const frame = toBytes(readFrame(tag % 900, 1, { tag }));
      buffer.bytes.set(frame);
      peer.transmit(buffer, frame.length);
      if (tag % 8 === 7) runVirtual([target], clock, () => false, clock.now() + 100e3);
      while (peer.receive(visit, 64) > 0);
    }
    runVirtual([target], clock, () => false, clock.now() + 1e9);
    while (peer.receive(visit, 64) > 0);
    iterate(target, clock.now());
    expect(answers).toBeGreaterThanOrEqual(2000);
    expect(watched.changed()).toBe(0);
    expect(target.inHand).toBe(0);
    // As many as were ever pinned or in hand at once, not one per answer.
    expect(watched.allocated()).toBeLessThan(200);
  },
);

test("a link that never releases costs the target its bound, and not its life", () => {
  const clock = createVirtualClock();
  const [ours, peer] = createMemoryPair({ clock, macA: OURS, macB: PEER, budget: 50 });
  const target = new Target();
  const owner = new Export({ major: MAJOR, minor: MINOR, store: createMemoryStore(SECTORS) });
  target.addExport(owner);
  const port = target.addPort(
    createReclaim(ours, parseReclaim("stuck", "--reclaim"), clock),
    "stuck",
  );
  const buffer = peer.allocate(1514) as TxBuffer;
  for (let tag = 0; tag < 100; tag++) {
    const frame = toBytes(readFrame(0, 1, { tag }));
    buffer.bytes.set(frame);
    peer.transmit(buffer, frame.length);
    iterate(target, clock.now());
  }
  // One of the 50 buffers went to the announcement.
  expect(owner.counters.reads).toBe(49);
  expect(port.counters.overGlobalBound).toBe(51);
  expect(target.inHand).toBe(0);
});

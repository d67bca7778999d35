// The memory link, and it under each wrapper, are links.

import { parseFaults } from "./fault_plan.ts";
import { createFaults } from "./faults.ts";
import { createCapture } from "./capture.ts";
import { type Ends, linkConformance, type LinkTraits } from "../testing/suites/link_suite.ts";
import type { Link } from "./link.ts";
import { createMemoryPair } from "./memory.ts";
import { createReclaim } from "./reclaim.ts";
import { parseReclaim } from "./reclaim_model.ts";
import { createRandom } from "../words/random.ts";
import { createVirtualClock, type VirtualClock } from "./virtual_clock.ts";
import { type Wrapper, WrappedLink, wrapLink } from "./wrap.ts";

const COPIES: LinkTraits = { copies: true, budget: true };
const HOLDS: LinkTraits = { copies: false, repins: true, budget: true };

function overMemory(
  name: string,
  wrappers: (clock: VirtualClock) => Wrapper[],
  traits: LinkTraits,
) {
  linkConformance(
    name,
    ({ buffers }) => {
      const clock = createVirtualClock();
      const budget = buffers === undefined ? {} : { budget: buffers };
      const [a, b, cable] = createMemoryPair({
        clock,
        latency: 5_000,
        queueFrames: 128,
        ...budget,
      });
      const ends: Ends = {
        a: wrapLink(a, wrappers(clock)),
        b: wrapLink(b, wrappers(clock)),
        advance(ns) {
          const until = clock.now() + ns;
          while (clock.now() < until) clock.wait(until);
        },
        close() {
          ends.a.close();
          ends.b.close();
        },
        ...(traits.defers === true ? {} : { congest: (on: boolean) => cable.congest(0, on) }),
        setMtu: (mtu) => cable.setMtu(mtu),
      };
      return ends;
    },
    traits,
  );
}

const late =
  (text: string) =>
  (clock: VirtualClock): Wrapper =>
  (inner: Link) =>
    createReclaim(inner, parseReclaim(text, "--reclaim"), clock);
const faulty =
  (text: string) =>
  (clock: VirtualClock): Wrapper =>
  (inner: Link) =>
    createFaults(inner, parseFaults(text, "--faults"), { clock, random: createRandom(1) });
const captured =
  () =>
  (clock: VirtualClock): Wrapper =>
  (inner: Link) =>
    createCapture(inner, { clock, sink: () => {} });

/** For the models that release on the way into a transmit: one more frame, whose buffer is held then. */
function oneMore({ a, b, advance }: Ends): void {
  advance(1e6);
  const buffer = a.allocate(60);
  if (buffer === null) throw new Error("no buffer");
  buffer.view.setUint16(12, 0x88a2);
  buffer.view.setUint32(0, 0x0200_0000);
  buffer.view.setUint16(4, b.mac & 0xffff);
  a.transmit(buffer, 60);
}

/** For the models that release on the way into a receive: one frame comes in. */
function oneIn({ a, b, advance }: Ends): void {
  advance(1e6);
  const buffer = b.allocate(60);
  if (buffer === null) throw new Error("no buffer");
  buffer.view.setUint16(12, 0x88a2);
  b.transmit(buffer, 60);
  advance(1e6);
  a.receive(() => {}, 64);
}

overMemory("memory", () => [], COPIES);
overMemory(
  "memory, wrapped, delay:1ms",
  (clock) => [(inner) => new WrappedLink(inner), late("delay:1ms")(clock)],
  { ...HOLDS, release: ({ advance }) => advance(1e6) },
);
overMemory("memory, eager", (clock) => [late("eager")(clock)], COPIES);
for (const text of ["coalesce:64/1ms", "coalesce:3/1ms", "delay:1ms"]) {
  overMemory(`memory, ${text}`, (clock) => [late(text)(clock)], {
    ...HOLDS,
    release: ({ advance }) => advance(1e6),
  });
}
overMemory("memory, next-xmit:1ms", (clock) => [late("next-xmit:1ms")(clock)], {
  ...HOLDS,
  release: oneMore,
});
overMemory("memory, on-receive:1ms", (clock) => [late("on-receive:1ms")(clock)], {
  ...HOLDS,
  release: oneIn,
});
for (const text of ["batch:3", "ring:4/2"]) {
  overMemory(`memory, ${text}`, (clock) => [late(text)(clock)], HOLDS);
}
overMemory("memory, stuck", (clock) => [late("stuck")(clock)], HOLDS);
overMemory("memory, capture", (clock) => [captured()(clock)], COPIES);
overMemory("memory, faults that never strike", (clock) => [faulty("")(clock)], COPIES);
overMemory(
  "memory, each frame later by a fixed time both ways",
  (clock) => [faulty("tx:delay:30us,rx:delay:20us")(clock)],
  { ...COPIES, defers: true },
);
overMemory(
  "memory, delay:1ms over delay:400us over faults over capture",
  (clock) => [
    late("delay:1ms")(clock),
    late("delay:400us")(clock),
    faulty("tx:drop:0")(clock),
    captured()(clock),
  ],
  { ...HOLDS, pins: 2, release: ({ advance }) => advance(1e6) },
);

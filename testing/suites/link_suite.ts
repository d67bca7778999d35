// What every link must do (link/link.ts), as one suite that each link's test file registers:
//
//   linkConformance("memory", (options) => ({ a, b, advance, close }), traits)
//
// `a` and `b` are two ends that reach each other. Nothing here knows what they are made of; what they
// may do differently (copy or hold, how a hold ends, what can be provoked) stands in `traits` and in
// the optional members of `Ends`. Tests that a link's traits rule out are not registered; those that
// its ends can't provoke say so. The suite is long because it is one contract, read as a whole.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createRandom } from "../../words/random.ts";
import * as ethernet from "../../wire/ethernet.ts";
import { BROADCAST, type Mac } from "../../wire/mac.ts";
import {
  type FrameView,
  type Link,
  TO_BROADCAST,
  TO_HOST,
  TO_MULTICAST,
  TO_OTHER,
  type TxBuffer,
} from "../../link/link.ts";

/** Two ends of one wire, made again for each test. */
export interface Ends {
  readonly a: Link;
  readonly b: Link;
  /** Lets `ns` pass: a wait of the virtual clock, or a sleep. */
  advance(ns: number): void;
  /** Closes both; called even if the test has closed them. */
  close(): void;
  /** While on, `a` has no room to transmit. */
  congest?(on: boolean): void;
  /** Changes the MTU of both ends. */
  setMtu?(mtu: number): void;
}

export interface EndsOptions {
  /** `a` allocates at most so many buffers of `BUDGET_BYTES` bytes; left out: plenty. */
  readonly buffers?: number;
}

/** Size of the buffers in the test of the budget. */
export const BUDGET_BYTES = 256;

export interface LinkTraits {
  /** Nothing is ever pinned. Otherwise a transmit pins. */
  readonly copies: boolean;
  /** How often one transmit pins: once for each layer that holds; 1. */
  readonly pins?: number;
  /** Frames are late by more than their way, in a queue of this end's own: `receive` may find none yet. */
  readonly defers?: boolean;
  /** For a link that pins: makes `a` release every transmit so far (or waits until it has). Left out: it never does. */
  readonly release?: (ends: Ends) => void;
  /** Whether a buffer that is pinned can be transmitted again; false where a buffer is one ring slot. */
  readonly repins?: boolean;
  /** Whether the factory honours `EndsOptions.buffers`. */
  readonly budget?: boolean;
  /** Longest time on the way, ns; 50 ms. */
  readonly patience?: number;
  /** Frames of one burst that surely fit all queues; 64. */
  readonly burst?: number;
}

const HEADER = ethernet.LENGTH;
const UNKNOWN: Mac = 0x0200_0000_00f7;
const GROUP: Mac = 0x0100_5e00_0001;

/** What a test keeps of a received frame. */
interface Kept {
  readonly bytes: Uint8Array;
  readonly addressed: number;
  readonly at: number;
}

export function linkConformance(
  name: string,
  factory: (options: EndsOptions) => Ends,
  traits: LinkTraits,
): void {
  describe(`${name}: the contract of a link`, () => {
    let ends: Ends;
    beforeEach(() => {
      ends = factory({});
    });
    afterEach(() => ends.close());

    const pins = traits.copies ? 0 : (traits.pins ?? 1);
    const burst = traits.burst ?? 64;
    const patience = traits.patience ?? 50e6;
    const { release } = traits;

    /** Waits until `link` has handed out `count` frames, or patience is at its end. */
    function collect(link: Link, count: number, from?: Ends): Kept[] {
      const { a, b, advance } = from ?? ends;
      const kept: Kept[] = [];
      const visit = (frame: FrameView) => {
        const { bytes, base, length, addressed, at } = frame;
        kept.push({ bytes: bytes.slice(base, base + length), addressed, at });
      };
      for (let step = 0; step <= 50; step++) {
        // As a loop does: what is late by time goes out in reclaim.
        for (const end of [a, b]) end.flush();
        while (link.receive(visit, 64) > 0);
        if (kept.length >= count) break;
        advance(patience / 50);
        for (const end of [a, b]) end.reclaim();
      }
      return kept;
    }

    /** Lets every frame arrive, turning both links as a loop does. */
    function settle(): void {
      const { a, b, advance } = ends;
      for (let step = 0; step < 10; step++) {
        for (const link of [a, b]) {
          link.reclaim();
          link.flush();
        }
        advance(patience / 50);
      }
    }

    /** Nothing more is on the way to `link`. */
    function quiet(link: Link): void {
      ends.advance(patience / 50);
      expect(link.receive(() => {}, 64)).toBe(0);
    }

    function fill(buffer: TxBuffer, to: Mac, from: Mac, seed: number): TxBuffer {
      ethernet.write(buffer.view, 0, to, from);
      let value = seed;
      for (let i = HEADER; i < buffer.bytes.length; i++) {
        value = (Math.imul(value, 1103515245) + 12345) >>> 0;
        buffer.bytes[i] = value >>> 16;
      }
      return buffer;
    }

    function make(link: Link, to: Mac, seed = 1, size = 128): TxBuffer {
      const buffer = link.allocate(size);
      if (buffer === null) throw new Error(`no buffer of ${size} bytes`);
      expect(buffer.bytes.length).toBe(size);
      return fill(buffer, to, link.mac, seed);
    }

    /** The frame alone: a network may pad it to its shortest. */
    function equal(kept: Kept | undefined, buffer: TxBuffer, length: number): void {
      expect(kept?.bytes.length).toBeGreaterThanOrEqual(length);
      expect(kept?.bytes.length).toBeLessThanOrEqual(Math.max(length, ethernet.SHORTEST));
      expect(Bun.hash.crc32(kept?.bytes.subarray(0, length) ?? new Uint8Array(0))).toBe(
        Bun.hash.crc32(buffer.bytes.subarray(0, length)),
      );
    }

    test("an idle link has nothing, and says so without waiting", () => {
      const { a, b } = ends;
      expect(a.mac).not.toBe(b.mac);
      expect(a.mtu).toBe(b.mtu);
      for (const link of [a, b]) {
        expect(link.receive(() => {}, 64)).toBe(0);
        expect(link.reclaim()).toBe(0);
        expect(link.counters).toMatchObject({ transmitted: 0, transmitErrors: 0, receiveDrops: 0 });
        expect(link.counters).toBe(link.counters);
      }
    });

    test("every length from the header alone to the MTU arrives byte for byte", () => {
      const { a, b } = ends;
      const longest = HEADER + a.mtu;
      const seed = 20070207;
      const random = createRandom(seed);
      const lengths = [14, 15, 16, 17, 59, 60, 61, 63, 64, 65, 128, 159, 160, 161, 162, 255, 256];
      lengths.push(511, 512, 513, 1000, 1001, 1024, 1060, longest - 1, longest);
      while (lengths.length < 60) lengths.push(HEADER + random.below(longest - HEADER + 1));
      const sent: [TxBuffer, number][] = [];
      const kept: Kept[] = [];
      for (const length of lengths.filter((each) => each <= longest)) {
        const buffer = make(a, b.mac, length, longest);
        expect(a.transmit(buffer, length)).toBe(true);
        sent.push([buffer, length]);
        if (sent.length % 16 === 0) kept.push(...collect(b, 16));
      }
      kept.push(...collect(b, sent.length - kept.length));
      expect(kept.length).toBe(sent.length);
      for (const [i, [buffer, length]] of sent.entries()) equal(kept[i], buffer, length);
    });

    test("a buffer whose size is the frame's own, and one much larger, send the same", () => {
      const { a, b } = ends;
      for (const size of [61, 300, HEADER + a.mtu, 16_384]) {
        const buffer = make(a, b.mac, size, size);
        const length = Math.min(size, 300);
        a.transmit(buffer, length);
        const kept = collect(b, 1);
        expect(kept.length).toBe(1);
        equal(kept[0], buffer, length);
      }
    });

    test("frames keep their order, in both directions at once, and nobody hears himself", () => {
      const { a, b } = ends;
      for (let i = 0; i < burst; i++) {
        expect(a.transmit(make(a, b.mac, i), 64 + i)).toBe(true);
        expect(b.transmit(make(b, a.mac, i), 64 + i)).toBe(true);
      }
      for (const link of [a, b]) {
        const lengths = collect(link, burst).map((kept) => kept.bytes.length);
        expect(lengths).toEqual(Array.from({ length: burst }, (_, i) => 64 + i));
      }
      quiet(a);
      quiet(b);
      expect(a.counters).toMatchObject({ transmitted: burst, received: burst, receiveDrops: 0 });
      expect(b.counters).toMatchObject({ transmitted: burst, received: burst, receiveDrops: 0 });
    });

    test("a frame says whom it was for and when it came", () => {
      const { a, b } = ends;
      const kinds: [Mac, number][] = [
        [b.mac, TO_HOST],
        [BROADCAST, TO_BROADCAST],
        [GROUP, TO_MULTICAST],
        [UNKNOWN, TO_OTHER],
      ];
      for (const [to] of kinds) a.transmit(make(a, to), 60);
      const kept = collect(b, kinds.length);
      expect(kept.map((each) => each.addressed)).toEqual(kinds.map(([, kind]) => kind));
      for (const [i, each] of kept.entries()) {
        expect(each.at).toBeGreaterThanOrEqual(kept[i - 1]?.at ?? 0);
      }
    });

    test("receive visits at most its limit, through one frame object", () => {
      const { a, b } = ends;
      for (let i = 0; i < 10; i++) a.transmit(make(a, b.mac, i), 60 + i);
      settle();
      const objects = new Set<FrameView>();
      const lengths: number[] = [];
      const counts: number[] = [];
      const visit = (frame: FrameView) => {
        objects.add(frame);
        lengths.push(frame.length);
        // The two views are of the same bytes.
        expect(frame.view.getUint8(frame.base)).toBe(frame.bytes[frame.base] as number);
        expect(frame.view.getUint16(frame.base + ethernet.TYPE)).toBe(ethernet.ETHERTYPE_AOE);
      };
      expect(b.receive(visit, 0)).toBe(0);
      // A link that defers takes frames in with one receive and hands them on with a later one.
      for (let round = 0; traits.defers === true && round < 4; round++)
        counts.push(b.receive(visit, 3));
      if (traits.defers === true) settle();
      while (lengths.length < 10 && counts.length < 20) counts.push(b.receive(visit, 3));
      expect(Math.max(...counts)).toBe(3);
      if (traits.defers !== true) expect(counts).toEqual([3, 3, 3, 1]);
      expect(b.receive(visit, 3)).toBe(0);
      expect(lengths).toEqual([60, 61, 62, 63, 64, 65, 66, 67, 68, 69]);
      expect(objects.size).toBe(1);
    });

    test("a visit that throws has had its frame, and receive goes on with the next", () => {
      const { a, b } = ends;
      for (let i = 0; i < 3; i++) a.transmit(make(a, b.mac, i), 60 + i);
      settle();
      const lengths: number[] = [];
      const visit = ({ length }: FrameView): void => {
        lengths.push(length);
        if (length === 61) throw new Error("choked");
      };
      let choked = 0;
      for (let round = 0; round < 20 && lengths.length < 3; round++) {
        try {
          b.receive(visit, 64);
        } catch (error) {
          expect((error as Error).message).toBe("choked");
          choked++;
        }
        settle();
      }
      expect([lengths, choked]).toEqual([[60, 61, 62], 1]);
      expect(b.receive(visit, 64)).toBe(0);
    });

    test("whether a frame waits, where that can be told, is what receive finds", () => {
      const { a, b } = ends;
      if (b.waiting === undefined) {
        console.log(`${name}: skipped "whether a frame waits", which this link can't tell`);
        return;
      }
      settle();
      while (b.receive(() => {}, 64) > 0);
      expect(b.waiting()).toBe(false);
      for (let i = 0; i < 2; i++) a.transmit(make(a, b.mac, i), 60);
      a.flush();
      settle();
      for (const waits of [true, true, false]) {
        expect(b.waiting()).toBe(waits);
        expect(b.receive(() => {}, 1)).toBe(waits ? 1 : 0);
      }
    });

    test("a frame can be answered from within its visit", () => {
      const { a, b } = ends;
      const answer = make(b, a.mac, 9);
      a.transmit(make(a, b.mac), 60);
      let answered = 0;
      const visit = () => {
        expect(b.transmit(answer, 100)).toBe(true);
        answered++;
      };
      for (let step = 0; step < 5 && answered === 0; step++) {
        settle();
        b.receive(visit, 64);
      }
      expect(answered).toBe(1);
      const kept = collect(a, 1);
      expect(kept.length).toBe(1);
      equal(kept[0], answer, 100);
    });

    test(
      traits.copies
        ? "a transmitted buffer is idle at once and may be written, the frame stays what it was"
        : "a transmitted buffer is pinned",
      () => {
        const { a, b } = ends;
        const buffer = make(a, b.mac, 5);
        const before = buffer.bytes.slice();
        expect(buffer.pins).toBe(0);
        expect(a.transmit(buffer, 128)).toBe(true);
        expect(buffer.pins).toBe(pins);
        if (traits.copies) {
          buffer.bytes.fill(0xff, HEADER);
          expect(a.reclaim()).toBe(0);
        }
        expect(collect(b, 1)[0]?.bytes).toEqual(before);
      },
    );

    if (release !== undefined) {
      test("reclaim counts each buffer that became idle, once", () => {
        const { a, b } = ends;
        const buffers = Array.from({ length: 8 }, (_, i) => make(a, b.mac, i));
        let idle = 0;
        for (const buffer of buffers) {
          expect(a.transmit(buffer, 60)).toBe(true);
          idle += a.reclaim();
        }
        a.flush();
        release?.(ends);
        idle += a.reclaim();
        expect(buffers.map((buffer) => buffer.pins)).toEqual(buffers.map(() => 0));
        // Where a release needs a frame, that one may have become idle too.
        expect(idle).toBeGreaterThanOrEqual(8);
        expect(idle).toBeLessThanOrEqual(9);
        for (const buffer of buffers) a.free(buffer);
        collect(b, 8);
      });
    }

    if (traits.repins === true) {
      test("a retransmit pins a buffer twice, and it is idle once", () => {
        const { a, b } = ends;
        const buffer = make(a, b.mac);
        expect(a.transmit(buffer, 60)).toBe(true);
        expect(a.transmit(buffer, 60)).toBe(true);
        expect(buffer.pins).toBe(2 * pins);
        expect(() => a.free(buffer)).toThrow("invariant");
        if (release !== undefined) {
          a.reclaim();
          release(ends);
          a.reclaim();
          expect(buffer.pins).toBe(0);
          a.free(buffer);
        }
        expect(collect(b, 2).length).toBeGreaterThanOrEqual(2);
      });
    }

    test("free takes a buffer that is idle and this link's own, once", () => {
      const { a, b } = ends;
      const buffer = make(a, b.mac);
      // A stranger, whose index this link may or may not know.
      const stranger = { ...make(b, a.mac), index: buffer.index };
      expect(() => a.free(stranger)).toThrow("invariant");
      if (!traits.copies) {
        a.transmit(buffer, 60);
        expect(() => a.free(buffer)).toThrow("invariant");
        if (release === undefined) return;
        release(ends);
        a.reclaim();
      }
      a.free(buffer);
      expect(() => a.free(buffer)).toThrow("invariant");
    });

    test("indexes are dense from 0 and come again after free", () => {
      const { a } = ends;
      const buffers = Array.from({ length: 20 }, () => make(a, BROADCAST));
      expect(buffers.map((buffer) => buffer.index)).toEqual(buffers.map((_, i) => i));
      const freed = [3, 11, 7];
      for (const index of freed) a.free(buffers[index] as TxBuffer);
      const again = freed.map(() => make(a, BROADCAST).index);
      expect(again.toSorted((x, y) => x - y)).toEqual([3, 7, 11]);
      expect(make(a, BROADCAST).index).toBe(20);
    });

    if (traits.budget === true) {
      test("allocate says null at its budget, and again yes after free", () => {
        const few = factory({ buffers: 4 });
        try {
          const buffers = Array.from({ length: 4 }, () => few.a.allocate(BUDGET_BYTES));
          expect(buffers.every((buffer) => buffer !== null)).toBe(true);
          expect(few.a.allocate(BUDGET_BYTES)).toBeNull();
          few.a.free(buffers[2] as TxBuffer);
          expect(few.a.allocate(BUDGET_BYTES)).not.toBeNull();
          expect(few.a.allocate(BUDGET_BYTES)).toBeNull();
        } finally {
          few.close();
        }
      });
    }

    test("a frame over the MTU is lost and counted, pins nothing, and the next one passes", () => {
      const { a, b } = ends;
      const buffer = make(a, b.mac, 1, HEADER + a.mtu + 1);
      expect(a.transmit(buffer, HEADER + a.mtu + 1)).toBe(true);
      expect(buffer.pins).toBe(0);
      settle();
      expect(a.counters).toMatchObject({ transmitted: 0, transmitErrors: 1, lastErrno: 90 });
      expect(a.transmit(buffer, HEADER + a.mtu)).toBe(true);
      const kept = collect(b, 1);
      expect(kept.length).toBe(1);
      equal(kept[0], buffer, HEADER + a.mtu);
      expect(a.counters).toMatchObject({ transmitted: 1, transmitErrors: 1 });
    });

    test("a length that no frame can have is a broken invariant", () => {
      const buffer = make(ends.a, ends.b.mac);
      expect(() => ends.a.transmit(buffer, HEADER - 1)).toThrow("invariant");
      expect(() => ends.a.transmit(buffer, 129)).toThrow("invariant");
      expect(buffer.pins).toBe(0);
    });

    test("without room transmit says no, and nothing was sent or pinned", () => {
      const { a, b, congest } = ends;
      if (congest === undefined) {
        console.log(`${name}: skipped "without room", which this link can't be brought to here`);
        return;
      }
      const buffer = make(a, b.mac);
      congest(true);
      expect(a.transmit(buffer, 60)).toBe(false);
      expect(buffer.pins).toBe(0);
      expect(a.counters).toMatchObject({ transmitted: 0, transmitBusy: 1, transmitErrors: 0 });
      quiet(b);
      congest(false);
      expect(a.transmit(buffer, 60)).toBe(true);
      expect(buffer.pins).toBe(pins);
      expect(collect(b, 1).length).toBe(1);
    });

    test("a new MTU is told from within receive, and holds", () => {
      const { a, b, setMtu } = ends;
      if (setMtu === undefined) {
        console.log(`${name}: skipped "a new MTU", which can't be set here`);
        return;
      }
      const before = a.mtu;
      const told: number[] = [];
      b.onChange = () => told.push(b.mtu);
      expect(b.onChange).not.toBeNull();
      for (const mtu of [before - 200, before + 500]) {
        setMtu(mtu);
        const heard = told.length;
        for (let step = 0; step < 50 && told.length === heard; step++) {
          ends.advance(patience / 50);
          a.receive(() => {}, 1);
          b.receive(() => {}, 1);
        }
        expect([a.mtu, b.mtu]).toEqual([mtu, mtu]);
        const buffer = make(a, b.mac, mtu, HEADER + mtu);
        expect(a.transmit(buffer, HEADER + mtu)).toBe(true);
        const kept = collect(b, 1);
        expect(kept.length).toBe(1);
        equal(kept[0], buffer, HEADER + mtu);
      }
      expect(told).toEqual([before - 200, before + 500]);
    });

    test("closing twice is closing once, and the other end lives on", () => {
      const { a, b } = ends;
      a.transmit(make(a, b.mac), 60);
      a.flush();
      expect(collect(b, 1).length).toBe(1);
      a.close();
      a.close();
      expect(b.transmit(make(b, BROADCAST), 60)).toBeBoolean();
      expect(b.receive(() => {}, 64)).toBe(0);
      b.reclaim();
    });
  });
}

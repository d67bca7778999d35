// A capture holds what passed on the wire, when it passed, in a file that reads back.

import { describe, expect, test } from "bun:test";
import { BROADCAST, writeMac } from "../wire/mac.ts";
import { HEADER_LENGTH } from "../wire/pcap.ts";
import { read } from "../wire/read_capture.ts";
import { type CaptureOptions, createCapture } from "./capture.ts";
import { createMemoryPair } from "./memory.ts";
import { createVirtualClock } from "./virtual_clock.ts";

function captured(options: Partial<CaptureOptions> = {}) {
  const clock = createVirtualClock();
  const [raw, b, cable] = createMemoryPair({ clock, latency: 1000, mtu: 9000 });
  const chunks: Uint8Array[] = [];
  const a = createCapture(raw, { clock, sink: (bytes) => chunks.push(bytes.slice()), ...options });
  const file = () => Buffer.concat(chunks);
  /** Every record: [seconds, nanoseconds, length, captured bytes]. */
  const records = () => {
    const bytes = file();
    const capture = read(new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
    if (!("next" in capture)) throw new Error(JSON.stringify(capture));
    const found: [number, number, number, Uint8Array][] = [];
    for (let packet = capture.next(); packet !== null; packet = capture.next()) {
      if (!("captured" in packet)) throw new Error(JSON.stringify(packet));
      found.push([
        packet.seconds,
        packet.nanoseconds,
        packet.length,
        new Uint8Array(bytes.subarray(packet.offset, packet.offset + packet.captured)),
      ]);
    }
    return found;
  };
  return { clock, a, b, cable, chunks, file, records };
}

function buffer(
  link: { allocate: ReturnType<typeof createMemoryPair>[0]["allocate"] },
  mark: number,
  size = 100,
) {
  const made = link.allocate(size);
  if (made === null) throw new Error("no buffer");
  writeMac(made.view, 0, BROADCAST);
  made.bytes.fill(mark, 14);
  return made;
}

describe("capture", () => {
  test("writes both directions with the ns at which they passed", () => {
    const { clock, a, b, records } = captured({ epochSeconds: 1_700_000_000 });
    const out = buffer(a, 1);
    const back = buffer(b, 2);
    clock.wait(2_500_000_000);
    a.transmit(out, 80);
    clock.wait(2_500_000_777);
    b.transmit(back, 100);
    while (clock.now() < 2_500_003_000) clock.wait(2_500_003_000);
    a.receive(() => {}, 64);
    a.close();
    expect(records()).toEqual([
      [1_700_000_002, 500_000_000, 80, out.bytes.slice(0, 80)],
      // The frame came in at 777 + latency, whenever it was taken out.
      [1_700_000_002, 500_001_777, 100, back.bytes.slice()],
    ]);
    expect(a.captured).toEqual({ frames: 2, bytes: 180 });
  });

  test("keeps a fraction of the epoch's second", () => {
    const { clock, a, records } = captured({ epochSeconds: 1000.25 });
    clock.wait(800_000_000);
    a.transmit(buffer(a, 1), 60);
    a.close();
    expect(records().map(([s, ns]) => [s, ns])).toEqual([[1001, 50_000_000]]);
  });

  test("cuts at the snaplen, and keeps the length", () => {
    const { a, records } = captured({ snaplen: 20 });
    const out = buffer(a, 3);
    a.transmit(out, 100);
    a.transmit(out, 19);
    a.close();
    expect(records().map(([, , length, bytes]) => [length, bytes.length])).toEqual([
      [100, 20],
      [19, 19],
    ]);
  });

  test("what was refused, too long or sent into a dead cable was not on the wire", () => {
    const { a, cable, records } = captured();
    const out = buffer(a, 1, 9100);
    cable.congest(0, true);
    a.transmit(out, 60);
    cable.congest(0, false);
    a.transmit(out, 9100);
    cable.down(0);
    a.transmit(out, 60);
    cable.up(0);
    a.transmit(out, 61);
    a.close();
    expect(records().map(([, , length]) => length)).toEqual([61]);
  });

  test("hands over when full and now and then, and frames stay whole across", () => {
    const { clock, a, chunks, records, file } = captured();
    const out = buffer(a, 0, 9014);
    for (let i = 0; i < 100; i++) {
      out.bytes.fill(i, 14);
      a.transmit(out, 9014);
      a.flush();
    }
    expect(chunks.length).toBeGreaterThan(2);
    const before = file().length;
    // What has not filled the memory waits.
    expect(before).toBeLessThan(HEADER_LENGTH + 100 * (16 + 9014));
    clock.wait(499_999_999);
    a.flush();
    expect(file().length).toBe(before);
    clock.wait(500_000_000);
    a.flush();
    expect(file().length).toBe(HEADER_LENGTH + 100 * (16 + 9014));
    a.flush();
    a.close();
    a.close();
    expect(records().map(([, , length, bytes]) => [length, bytes[14], bytes[9013]])).toEqual(
      Array.from({ length: 100 }, (_, i) => [9014, i, i]),
    );
  });

  test("a capture without a frame is a file all the same", () => {
    const { a, records } = captured();
    a.close();
    expect(records()).toEqual([]);
  });
});

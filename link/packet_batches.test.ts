// Answers of a packet link that leave in batches, over a real veth pair: their order, and what a
// refusal costs.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import { EFAULT, ENOBUFS } from "../sys/errno.ts";
import { allocationsPerCall } from "../testing/doubles/allocations.ts";
import { inNamespace, inShell } from "../testing/suites/in_namespace.ts";
import { comesTrue } from "../testing/suites/veth_ends.ts";
import * as ethernet from "../wire/ethernet.ts";
import type { FrameView, TxBuffer } from "./link.ts";
import { openPacketLink, type PacketLink } from "./packet.ts";

if (inNamespace(import.meta.path)) describe("answers in batches", batches);

function batches(): void {
  let a: PacketLink;
  let b: PacketLink;
  let buffer: TxBuffer;

  function make(link: PacketLink): TxBuffer {
    const made = link.allocate(9014);
    if (made === null) throw new Error("no buffer");
    return made;
  }

  beforeEach(() => {
    inShell("ip link set va mtu 9000 up; ip link set vb mtu 9000 up");
    a = openPacketLink({ interface: "va", xdp: "off" });
    b = openPacketLink({ interface: "vb", xdp: "off" });
    buffer = make(a);
    ethernet.write(buffer.view, 0, b.mac, a.mac);
  });
  afterEach(() => {
    a.close();
    b.close();
  });

  /** Has b send so many requests, and a answer each as it is visited. */
  function asked(requests: number, answer: (number: number) => void): void {
    const request = make(b);
    ethernet.write(request.view, 0, a.mac, b.mac);
    for (let number = 0; number < requests; number++) {
      request.view.setUint32(ethernet.LENGTH, number);
      b.transmit(request, 60);
    }
    b.free(request);
    a.receive(({ view, base }) => answer(view.getUint32(base + ethernet.LENGTH)), 64);
  }

  /** What b has received: the number behind the header, how long, and the last byte. */
  function arrived(): string[] {
    const seen: string[] = [];
    const visit = ({ bytes, view, base, length }: FrameView): void => {
      seen.push(`${view.getUint32(base + ethernet.LENGTH)} ${length} ${bytes[base + length - 1]}`);
    };
    while (b.receive(visit, 64) > 0);
    return seen;
  }

  function flushing(condition: () => boolean): boolean {
    return comesTrue([a], () => {
      a.flush();
      return condition();
    });
  }

  test("answers given while more requests wait arrive in order, whole, from one place and from two", () => {
    const lengths = [60, 1060, 8228, 2048, 2049, 4131, 548];
    const data = make(a);
    data.bytes.fill(7);
    asked(40, (number) => {
      buffer.view.setUint32(ethernet.LENGTH, number);
      const length = lengths[number % lengths.length] ?? 0;
      buffer.bytes.fill(number, 36, length);
      const sent =
        number % 2 === 0
          ? a.transmit(buffer, length)
          : a.transmitBoth?.(buffer, 36, data.address, length - 36);
      expect(sent).toBe(true);
    });
    const expected = Array.from({ length: 40 }, (_, number) => {
      const length = lengths[number % lengths.length] ?? 0;
      return `${number} ${length} ${number % 2 === 0 ? number : 7}`;
    });
    expect(arrived()).toEqual(expected);
    const { paths, transmitted, transmitErrors } = a.counters;
    expect({ transmitted, transmitErrors }).toEqual({ transmitted: 40, transmitErrors: 0 });
    expect(paths).toEqual({
      linear: expected.filter((each) => each.includes(" 8228 ") || each.includes(" 4131 ")).length,
      ordinary: 40 - expected.filter((each) => / 8228 | 4131 /.test(each)).length,
    });
  });

  test("what was gathered leaves before a turn ends that leaves a request behind", () => {
    const request = make(b);
    ethernet.write(request.view, 0, a.mac, b.mac);
    for (let number = 0; number < 2; number++) b.transmit(request, 60);
    a.receive(() => a.transmit(buffer, 60), 1);
    expect(arrived()).toHaveLength(1);
  });

  test("an answer whose bytes can't be read is lost alone; the next one is refused at once", () => {
    const unreadable = 4096;
    asked(20, (number) => {
      buffer.view.setUint32(ethernet.LENGTH, number);
      if (number === 5) expect(a.transmitBoth?.(buffer, 36, unreadable, 512)).toBe(true);
      else expect(a.transmit(buffer, 60)).toBe(true);
    });
    const numbers = arrived().map((each) => Number(each.split(" ")[0]));
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, i) => i).filter((i) => i !== 5));
    expect(a.counters).toMatchObject({ transmitted: 19, transmitErrors: 1, lastErrno: EFAULT });
    asked(3, () => {
      expect(a.transmitBoth?.(buffer, 36, unreadable, 512)).toBe(false);
    });
    expect(a.counters).toMatchObject({ transmitted: 19, transmitErrors: 1 });
  });

  test("answers that find no room wait as they were, and leave in time", () => {
    const data = make(a);
    inShell("tc qdisc replace dev va root pfifo limit 0");
    try {
      data.bytes.fill(7);
      let taken = 0;
      asked(10, (number) => {
        buffer.view.setUint32(ethernet.LENGTH, number);
        if (a.transmitBoth?.(buffer, 36, data.address, 512) === true) taken++;
      });
      expect(taken).toBe(10);
      expect(a.transmit(buffer, 60)).toBe(false);
      expect(a.nextDeadline()).toBeLessThan(Infinity);
      // Whose bytes they were is free to write there now.
      data.bytes.fill(9);
    } finally {
      inShell("tc qdisc del dev va root");
    }
    expect(flushing(() => a.nextDeadline() === Infinity)).toBe(true);
    expect(arrived()).toEqual(Array.from({ length: 10 }, (_, number) => `${number} 548 7`));
    expect(a.counters).toMatchObject({ transmitted: 10, transmitErrors: 0 });
    expect(a.transmit(buffer, 60)).toBe(true);
  });

  test("answers that find no room for long are lost, counted, and no longer in the way", () => {
    inShell("tc qdisc replace dev va root pfifo limit 0");
    try {
      asked(10, () => a.transmit(buffer, 60));
      expect(flushing(() => a.counters.transmitErrors === 10)).toBe(true);
      expect(a.counters).toMatchObject({ transmitted: 0, lastErrno: ENOBUFS });
      expect(a.nextDeadline()).toBe(Infinity);
    } finally {
      inShell("tc qdisc del dev va root");
    }
    expect(a.transmit(buffer, 60)).toBe(true);
  });

  test("answers in batches leave no object per frame", () => {
    const request = make(b);
    ethernet.write(request.view, 0, a.mac, b.mac);
    let answers = 0;
    const answer = (): void => {
      answers++;
      if (answers % 2 === 0) a.transmit(buffer, 60);
      else a.transmitBoth?.(buffer, 36, buffer.address + 36, 1024);
    };
    const drop = (): void => {};
    const cycle = (): void => {
      for (let number = 0; number < 8; number++) b.transmit(request, 60);
      a.receive(answer, 64);
      a.flush();
      b.receive(drop, 64);
    };
    expect(allocationsPerCall(cycle, { warmUp: 5000, calls: 500 })).toBeLessThan(0.1);
    expect(answers).toBeGreaterThan(40_000);
    expect(b.counters.received).toBe(answers);
  });
}

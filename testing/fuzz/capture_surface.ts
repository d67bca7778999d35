// Capture files: pcap in its four kinds and pcapng, of good frames and bad, then mutated. A damaged file
// is a value; whatever is read lies within the file, ends, and a frame that parses is emitted as it was.

import { Decoder } from "../../decode/decoded_frame.ts";
import { formatDecoded, formatFields, toJson } from "../../decode/decode_print.ts";
import { read } from "../../wire/read_capture.ts";
import { parse, toBytes } from "../../wire/frame.ts";
import type { Packet } from "../../wire/capture.ts";
import { isMalformed, type Malformed } from "../../wire/malformed.ts";
import * as pcap from "../../wire/pcap.ts";
import type { Random } from "../../words/random.ts";
import { makeSession } from "./frame_grammar.ts";
import { mutateBytes } from "./mutate.ts";
import { fromHex, must, pick, type Surface, toHex } from "./surface.ts";
import { printable, printableJson } from "../../words/printable.ts";

export const captureSurface: Surface = {
  name: "captures",
  about: "pcap and pcapng files at the readers and at decode",
  make(random) {
    const frames = makeSession(random, 8, false)
      .split("\n")
      .filter((line) => line.startsWith("send "))
      .map((line) => fromHex(line.slice(5)));
    const file = random.below(2) === 0 ? classic(frames, random) : next(frames, random);
    return toHex(random.below(5) === 0 ? file : mutateBytes(file, random, 6));
  },
  run(input) {
    const bytes = fromHex(input);
    const view = new DataView(bytes.buffer);
    const opened = read(view);
    if (isMalformed(opened)) return "no capture";
    let packets = 0;
    for (const packet of packetsOf(opened, bytes.length)) {
      packets++;
      if (isMalformed(packet)) break;
      const { offset, captured, length } = packet;
      must(
        offset >= 0 && captured >= 0 && offset + captured <= bytes.length && captured <= length,
        () => `a packet of ${captured} bytes at ${offset} in a file of ${bytes.length}`,
      );
      must(
        packet.seconds >= 0 && packet.nanoseconds >= 0,
        () => `a packet at ${packet.seconds} s ${packet.nanoseconds} ns`,
      );
      const frame = parse(view, offset, captured, length);
      if (isMalformed(frame)) continue;
      must(
        Buffer.from(toBytes(frame)).equals(bytes.subarray(offset, offset + captured)),
        () => "a frame that was parsed is not emitted as it was",
      );
    }
    const again = read(view);
    if (isMalformed(again)) throw new Error("a file is a capture once and then no more");
    const decoder = new Decoder();
    let lines = 0;
    for (let packet = again.next(); packet !== null; packet = again.next()) {
      if (isMalformed(packet)) break;
      const found = decoder.see(packet);
      if (found === null) continue;
      lines++;
      const text =
        formatDecoded(found) + formatFields(found).join("") + printableJson(toJson(found));
      must(text === printable(text), () => `control characters in ${JSON.stringify(text)}`);
    }
    must(lines <= packets, () => `${lines} frames decoded of ${packets} packets`);
    return packets > 0 ? "packets" : "empty";
  },
};

/** What a reader gives of a file of `bytes`: an end, and nothing after a damage. */
export function* packetsOf(
  opened: { next(): Packet | Malformed | null },
  bytes: number,
): Generator<Packet | Malformed> {
  // A packet has a header of 12 bytes at least.
  const most = bytes / 12 + 1;
  let packets = 0;
  for (let packet = opened.next(); packet !== null; packet = opened.next()) {
    must(++packets <= most, () => `${packets} packets in ${bytes} bytes`);
    yield packet;
    if (!isMalformed(packet)) continue;
    must(opened.next() === null, () => "something follows the damage");
    return;
  }
}

function classic(frames: readonly Uint8Array[], random: Random): Uint8Array<ArrayBuffer> {
  const room = frames.reduce((sum, { length }) => sum + pcap.RECORD_LENGTH + length, 0);
  const bytes = new Uint8Array(pcap.HEADER_LENGTH + room);
  const snaplen = pick(random, [pcap.LARGEST, pcap.LARGEST, 64]);
  const writer = pcap.createWriter(new DataView(bytes.buffer), random.next(), snaplen);
  for (const frame of frames) {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    writer.append(view, 0, frame.length, random.next());
  }
  const file = bytes.slice(0, writer.length());
  const view = new DataView(file.buffer);
  // Microseconds; bytes of the header in the other order.
  if (random.below(3) === 0) view.setUint32(0, 0xa1b2_c3d4, true);
  if (random.below(4) === 0) view.setUint32(0, view.getUint32(0, true));
  return file;
}

function next(frames: readonly Uint8Array[], random: Random): Uint8Array<ArrayBuffer> {
  const little = random.below(2) === 0;
  const blocks: Uint8Array[] = [];
  const block = (type: number, body: Uint8Array): void => {
    const size = 12 + Math.ceil(body.length / 4) * 4;
    const bytes = new Uint8Array(size);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, type, little);
    view.setUint32(4, size, little);
    bytes.set(body, 8);
    view.setUint32(size - 4, size, little);
    blocks.push(bytes);
  };
  const words = (...values: number[]): Uint8Array => {
    const bytes = new Uint8Array(4 * values.length);
    const view = new DataView(bytes.buffer);
    values.forEach((value, index) => {
      view.setUint32(4 * index, value, little);
    });
    return bytes;
  };
  const section = (): void => block(0x0a0d_0d0a, words(0x1a2b_3c4d, 1, 0xffff_ffff, 0xffff_ffff));
  const describe = (): void => {
    const body = new Uint8Array(16);
    const view = new DataView(body.buffer);
    view.setUint16(0, 1, little);
    view.setUint16(8, 9, little);
    view.setUint16(10, 1, little);
    body[12] = pick(random, [6, 9, 0, 3, 0x80, 0x8a, random.below(256)]);
    block(1, body);
  };
  section();
  describe();
  for (const frame of frames) {
    const kind = random.below(10);
    if (kind === 0) section();
    else if (kind === 1) describe();
    else if (kind === 2) block(random.below(16), words(random.next()));
    else if (kind === 3) block(3, Buffer.concat([words(frame.length), frame]));
    else {
      const time = [random.below(8), random.next()] as const;
      const from = random.below(4) === 0 ? random.below(3) : 0;
      block(6, Buffer.concat([words(from, ...time, frame.length, frame.length), frame]));
    }
  }
  return new Uint8Array(Buffer.concat(blocks));
}

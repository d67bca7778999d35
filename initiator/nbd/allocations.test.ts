// A request allocates nothing in steady state: header, payload, command, reply. Its device answers at once
// and allocates nothing either (the initiator's own frames: initiator/protocol/allocations.test.ts).

import { expect, test } from "bun:test";

import { allocationsPerCall } from "../../testing/doubles/allocations.ts";
import { AGAIN, type ByteStream, READABLE } from "../../link/byte_stream.ts";
import type { Memory } from "../../link/link.ts";
import type { Core } from "../../link/loop.ts";
import { iterate } from "../../link/loop.ts";
import { type Command, OK } from "../protocol/command.ts";
import type { Device } from "../protocol/device.ts";
import type { ExportFacts } from "./handshake.ts";
import {
  CMD_FLAG_FUA,
  CMD_FLUSH,
  CMD_READ,
  CMD_WRITE,
  HAS_FLAGS,
  OPT_EXPORT_NAME,
  OPT_STRUCTURED_REPLY,
  SEND_FLUSH,
  SEND_FUA,
  SEND_WRITE_ZEROES,
} from "./protocol.ts";
import { hello, option, request } from "../../testing/doubles/scripted_client.ts";
import { NbdServer } from "./server.ts";

/** Ends every command well in the next iteration. */
class PromptDevice implements Core {
  readonly sectors = SIZE / 512;
  readonly ports = [];
  ended = 0;
  private readonly taken: (Command | null)[] = Array(16).fill(null);
  private count = 0;
  private readonly clock = { now: 0 };

  submit(command: Command): void {
    this.taken[this.count++] = command;
  }
  begin(now: number): void {
    this.clock.now = now;
  }
  advance(): void {
    const { count } = this;
    this.count = 0;
    for (let index = 0; index < count; index++) {
      const command = this.taken[index] as Command;
      command.outcome = OK;
      this.ended++;
      command.done(command);
    }
  }
  nextDeadline(): number {
    return this.count > 0 ? this.clock.now : Infinity;
  }
}

/** Gives the same bytes again each time it is told to, and counts what it is sent. */
class LoopStream implements ByteStream {
  readonly fd = 9;
  message: Uint8Array = new Uint8Array(0);
  at = 0;
  sent = 0;

  receive(memory: Memory, at: number, length: number): number {
    const { message } = this;
    const bytes = Math.min(length, message.length - this.at);
    if (bytes === 0) return AGAIN;
    const { view } = memory;
    for (let index = 0; index < bytes; index++) {
      view.setUint8(at + index, message[this.at + index] as number);
    }
    this.at += bytes;
    return bytes;
  }
  send(_memory: Memory, _at: number, length: number): number {
    this.sent += length;
    return length;
  }
  close(): void {}
}

const SIZE = 2 ** 20;

/** A call is one request and its reply. */
function requests(structured: boolean, message: Uint8Array): () => void {
  const device = new PromptDevice();
  const facts: ExportFacts = {
    name: "",
    description: "",
    size: SIZE,
    flags: HAS_FLAGS | SEND_FLUSH | SEND_FUA | SEND_WRITE_ZEROES,
    least: 512,
    preferred: 4096,
    most: 2 ** 25,
  };
  let ready: (events: number) => void = () => {};
  const server = new NbdServer({
    core: device,
    // It is asked for no more than its size, and to take commands.
    device: device as unknown as Device,
    facts,
    watchList: {
      add(_fd, told) {
        ready = told;
      },
      remove() {},
    },
    mostConnections: 1,
    onNotice(sentence) {
      throw new Error(sentence);
    },
  });
  const stream = new LoopStream();
  server.adopt(stream, 0);
  const start = [hello(), ...(structured ? [option(OPT_STRUCTURED_REPLY)] : [])];
  stream.message = Buffer.concat([...start, option(OPT_EXPORT_NAME)]);
  iterate(server, 0);
  ready(READABLE);
  iterate(server, 0);
  stream.message = message;
  return () => {
    const before = device.ended;
    const { sent } = stream;
    stream.at = 0;
    ready(READABLE);
    iterate(server, 0);
    iterate(server, 0);
    if (device.ended === before || stream.sent === sent) throw new Error("it was not answered");
  };
}

const rows: [string, Uint8Array][] = [
  ["read", request(CMD_READ, 4096, 4096)],
  ["write", Buffer.concat([request(CMD_WRITE, 4096, 512), new Uint8Array(512)])],
  [
    "write with FUA",
    Buffer.concat([request(CMD_WRITE, 0, 512, CMD_FLAG_FUA), new Uint8Array(512)]),
  ],
  ["flush", request(CMD_FLUSH, 0, 0)],
];
for (const structured of [false, true]) {
  for (const [what, message] of rows) {
    test(`a ${what} allocates nothing, with ${structured ? "structured" : "simple"} replies`, () => {
      const perCall = allocationsPerCall(requests(structured, message), { warmUp: 10_000 });
      expect(perCall).toBeLessThan(0.02);
    });
  }
}

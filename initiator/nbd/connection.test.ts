// How connections end, well and badly, from either side, and what slow clients cost.

import { describe, expect, test } from "bun:test";
import * as ata from "../../wire/ata.ts";
import { STOP_TIME } from "./server.ts";
import { emitInfoRequest } from "./handshake.ts";
import {
  CMD_DISC,
  CMD_TRIM,
  CMD_WRITE,
  CMD_WRITE_ZEROES,
  NBD_ESHUTDOWN,
  OPT_EXPORT_NAME,
  OPT_GO,
  OPT_LIST,
} from "./protocol.ts";
import { hello, NbdWorld, option, request } from "../../testing/doubles/scripted_client.ts";
import { MOST_REQUESTS } from "./slot.ts";

const MS = 1e6;
const S = 1e9;

/** Names for opcodes, as the device was asked. */
function asked(world: NbdWorld): string[] {
  const names: Record<number, string> = {
    [ata.READ_EXT]: "read",
    [ata.WRITE_EXT]: "write",
    [ata.FLUSH_EXT]: "flush",
    [ata.FLUSH]: "flush",
  };
  return world.peer.asked.map(([, opcode, lba, count]) => `${names[opcode]} ${lba}+${count}`);
}

function filled(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}

describe("the end of a connection", () => {
  test("DISC: what is in hand is answered, then the stream is closed", () => {
    const world = new NbdWorld();
    const client = world.connect().go();
    for (let index = 0; index < 5; index++) client.startRead(index * 4096, 4096);
    client.request(CMD_DISC, 0, 0);
    world.rest(10 * MS);
    expect(client.replies().length).toBe(5);
    expect(client.stream.closed).toBe(true);
    expect(world.server.connections).toBe(0);
    expect(world.notices).toEqual([]);
    world.close();
  });

  test("a client that says no more is answered and disconnected without a word", () => {
    const world = new NbdWorld();
    const client = world.connect().go();
    client.startRead(0, 4096);
    client.stream.ended = true;
    world.rest(10 * MS);
    expect(client.replies().length).toBe(1);
    expect([client.stream.closed, world.server.connections]).toEqual([true, 0]);
    expect(world.notices).toEqual([]);
    world.close();
  });

  test("gone in mid-request: its commands stay the device's until they end, and so does their memory", () => {
    const world = new NbdWorld();
    const client = world.connect().go();
    const held: (() => void)[] = [];
    world.peer.script = (frame) => {
      held.push(() => world.peer.answer(frame));
    };
    client.startRead(0, 1024);
    client.request(CMD_WRITE, 4096, 1024, 0, filled(1024, 0x77));
    world.rest(0.1 * MS);
    expect(held.length).toBe(2);
    client.stream.broken = true;
    world.rest(0.1 * MS);
    expect(client.stream.closed).toBe(true);
    // Its place is kept for as long as the device may write to its memory.
    expect([world.server.connections, world.device.pending]).toEqual([1, 2]);
    for (const answer of held) answer();
    world.rest();
    expect([world.server.connections, world.device.pending]).toEqual([0, 0]);
    expect(world.peer.image.subarray(4096, 5120).every((byte) => byte === 0x77)).toBe(true);
    expect(world.notices).toEqual(["NBD client 1 went away with 2 requests in hand"]);
    world.close();
  });

  test("gone without having read its answers: said; gone before the handshake is over: not worth a word", () => {
    const world = new NbdWorld();
    const reader = world.connect().go();
    const prober = world.connect();
    world.rest();
    reader.startRead(0, 512);
    world.rest();
    reader.stream.broken = true;
    prober.stream.broken = true;
    world.rest();
    expect(world.server.connections).toBe(0);
    expect(world.notices).toEqual(["NBD client 1 went away before it had read all its answers"]);
    world.close();
  });

  test("gone after DISC with requests in hand: its stream is closed at once", () => {
    const world = new NbdWorld();
    const client = world.connect().go();
    const held: (() => void)[] = [];
    world.peer.script = (frame) => {
      held.push(() => world.peer.answer(frame));
    };
    client.startRead(0, 512);
    client.request(CMD_DISC, 0, 0);
    world.rest(0.1 * MS);
    client.stream.broken = true;
    world.rest(0.1 * MS);
    expect(client.stream.closed).toBe(true);
    expect(world.device.pending).toBe(1);
    for (const answer of held) answer();
    world.close();
  });

  test("gone while zeroes are written: no further piece is begun", () => {
    const world = new NbdWorld({ sectors: 8192 });
    const client = world.connect().go();
    const held: (() => void)[] = [];
    world.peer.script = (frame) => {
      held.push(() => world.peer.answer(frame));
    };
    client.request(CMD_WRITE_ZEROES, 0, 3 * 2 ** 20);
    world.rest(0.1 * MS);
    client.stream.broken = true;
    world.rest(0.1 * MS);
    world.peer.script = (frame) => world.peer.answer(frame);
    for (const answer of held) answer();
    world.rest(100 * MS);
    expect(world.server.connections).toBe(0);
    expect(Math.max(...world.peer.asked.map(([, , lba]) => lba))).toBeLessThan(2048);
    world.close();
  });

  const wrong: [string, Uint8Array[], RegExp][] = [
    ["no option where one is due", [hello(), filled(16, 0x41)], /^NBD client 1 sent no option/],
    ["handshake flags that were not offered", [hello(0x10)], /flags 0x10 that were not offered$/],
    ["an unknown name without GO", [hello(), option(OPT_EXPORT_NAME, Buffer.from("x"))], /`x`/],
    ["a name without end", [hello(), option(OPT_EXPORT_NAME, filled(20_000, 65))], /20000 bytes/],
    ["options without end", [hello(), ...Array(130).fill(option(OPT_LIST))], /more than 128 opt/],
    [
      "no request where one is due",
      [hello(), option(OPT_EXPORT_NAME), filled(28, 0x41)],
      /sent no request where one is due/,
    ],
  ];
  for (const [what, pieces, sentence] of wrong) {
    test(`${what}: closed, one sentence`, () => {
      const world = new NbdWorld();
      const client = world.connect();
      client.write(...pieces);
      world.rest();
      expect(client.stream.closed).toBe(true);
      expect(world.notices.length).toBe(1);
      expect(world.notices[0]).toMatch(sentence);
      world.close();
    });
  }
});

describe("slow readers", () => {
  test("who reads no replies is not read either, and loses nothing", () => {
    const world = new NbdWorld();
    const client = world.connect().go();
    client.stream.room = 0;
    const requests = 1000;
    for (let index = 0; index < requests; index++) client.startRead((index % 100) * 4096, 4096);
    world.rest(100 * MS);
    const { counters } = world.server;
    expect(counters.reads).toBe(MOST_REQUESTS);
    expect(client.stream.waiting.length).toBe(0);
    // More than its input holds: it stays in the socket.
    for (let index = 0; index < 4000; index++) client.startRead((index % 100) * 4096, 4096);
    world.rest(10 * MS);
    expect(client.stream.waiting.length).toBeGreaterThan(2000 * 28);
    expect(counters.reads).toBe(MOST_REQUESTS);
    // Now it reads, in drips, then all.
    client.stream.room = 10_000;
    world.rest(10 * MS);
    client.stream.room = Infinity;
    world.rest(2 * S);
    const replies = client.replies();
    expect(replies.length).toBe(requests + 4000);
    for (const { cookie, data } of replies) {
      const index = cookie <= requests ? cookie - 1 : cookie - 1 - requests;
      const at = (index % 100) * 4096;
      if (!Buffer.from(data).equals(world.peer.image.subarray(at, at + 4096))) {
        throw new Error(`reply ${cookie} has other bytes`);
      }
    }
    world.close();
  });

  test("large requests are bounded by bytes: the rest waits its turn", () => {
    const world = new NbdWorld({ sectors: 16_384, mtu: 9000, sectorCount: 17 });
    const client = world.connect().go();
    client.stream.room = 0;
    for (let index = 0; index < 6; index++) client.startRead(0, 8 * 2 ** 20);
    world.rest(S);
    // 34 MiB of budget.
    expect(world.server.counters.reads).toBe(4);
    client.stream.room = Infinity;
    world.rest(5 * S);
    expect(client.replies().length).toBe(6);
    world.close();
  }, 60_000);

  test("refusals that can't be sent are bounded too", () => {
    const world = new NbdWorld();
    const client = world.connect().go(true);
    client.stream.room = 0;
    for (let index = 0; index < 5000; index++) client.request(CMD_TRIM, 0, 512);
    world.rest();
    expect(world.server.counters.refused).toBe(MOST_REQUESTS);
    client.stream.room = Infinity;
    world.rest(10 * MS);
    expect(client.replies().length).toBe(5000);
    world.close();
  });

  test("in the handshake", () => {
    const world = new NbdWorld({ name: "n".repeat(4096) });
    const client = world.connect();
    client.stream.room = 0;
    const ask = option(OPT_GO, emitInfoRequest({ name: "unknown", infos: [1, 2] }));
    client.write(hello(), ...Array(20).fill(option(OPT_LIST)), ask);
    world.rest();
    client.stream.room = Infinity;
    world.rest();
    expect(client.output.length).toBeGreaterThan(20 * (4096 + 24 + 20));
    expect(world.notices).toEqual([]);
    world.close();
  });
});

describe("the server's end", () => {
  test("what is in hand is answered; nobody new is taken; the listener is closed", () => {
    const world = new NbdWorld();
    const client = world.connect().go();
    const held: (() => void)[] = [];
    world.peer.script = (frame) => {
      held.push(() => world.peer.answer(frame));
    };
    client.startRead(0, 512);
    world.rest(0.1 * MS);
    world.server.stop(world.peer.clock.now());
    expect(world.unlistened).toBe(true);
    world.connect();
    world.rest();
    expect(world.server.finished).toBe(false);
    for (const answer of held) answer();
    world.rest();
    expect(world.server.finished).toBe(true);
    expect(client.replies().map(({ error }) => error)).toEqual([0]);
    expect(world.notices).toEqual([]);
    world.server.close();
  });

  test("requests that were sent and not begun hear ESHUTDOWN", () => {
    const world = new NbdWorld();
    const client = world.connect().go(true);
    client.stream.room = 0;
    for (let index = 0; index < MOST_REQUESTS + 3; index++) client.startRead(0, 512);
    world.rest(100 * MS);
    for (let index = 0; index < 5; index++) client.startRead(0, 512);
    world.server.stop(world.peer.clock.now());
    client.stream.room = Infinity;
    world.rest(100 * MS);
    const errors = client.replies().map(({ error }) => error);
    expect(errors).toEqual([...Array(MOST_REQUESTS).fill(0), ...Array(3).fill(NBD_ESHUTDOWN)]);
    expect(world.server.finished).toBe(true);
    world.server.close();
  });

  test("and so do those that stand in the socket when it comes", () => {
    const world = new NbdWorld();
    const client = world.connect().go(true);
    client.startRead(0, 512);
    client.request(CMD_WRITE, 0, 512, 0, filled(512, 1));
    client.write(request(CMD_WRITE, 512, 512), filled(100, 1));
    world.server.stop(world.peer.clock.now());
    world.rest(100 * MS);
    expect(client.replies().map(({ error }) => error)).toEqual([NBD_ESHUTDOWN, NBD_ESHUTDOWN]);
    expect(world.server.finished).toBe(true);
    expect([asked(world), world.notices]).toEqual([[], []]);
    world.server.close();
  });

  test("a target that answers no more holds it up for no longer than STOP_TIME", () => {
    const world = new NbdWorld();
    const client = world.connect().go();
    world.peer.script = () => {};
    client.startRead(0, 512);
    world.rest();
    const start = world.peer.clock.now();
    world.server.stop(start);
    expect(world.run(() => world.server.finished, 20 * S)).toBe(true);
    expect(world.peer.clock.now() - start).toBe(STOP_TIME);
    expect(world.notices.length).toBe(1);
    // The session ends the command, and with it the last use of the memory.
    world.peer.initiator.close();
    world.server.close();
  });
});

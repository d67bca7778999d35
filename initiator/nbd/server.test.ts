// What clients ask over NBD is what the device is asked, and how the device ends it is what they hear; a
// device that does as it is told, clients in memory, the virtual clock.

import { describe, expect, test } from "bun:test";
import * as ata from "../../wire/ata.ts";
import { MOST_SENT } from "./replies.ts";
import { HANDSHAKE_TIME, MOST_SERVED } from "./server.ts";
import {
  CMD_CACHE,
  CMD_FLAG_DF,
  CMD_FLAG_FUA,
  CMD_FLAG_NO_HOLE,
  CMD_FLUSH,
  CMD_READ,
  CMD_TRIM,
  CMD_WRITE,
  CMD_WRITE_ZEROES,
  NBD_EINVAL,
  NBD_EIO,
  NBD_ENOSPC,
  NBD_EPERM,
  NBD_ESHUTDOWN,
  OPT_ABORT,
} from "./protocol.ts";
import { hello, NbdWorld, option } from "../../testing/doubles/scripted_client.ts";

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

for (const structured of [false, true]) {
  describe(structured ? "structured replies" : "simple replies", () => {
    test("reads bring the device's bytes", () => {
      const world = new NbdWorld();
      const client = world.connect().go(structured);
      const reply = client.read(512, 4096);
      expect(reply.structured).toBe(structured);
      expect(reply.error).toBe(0);
      expect(Buffer.from(reply.data).equals(world.peer.image.subarray(512, 512 + 4096))).toBe(true);
      expect(client.read(0, 0).data.length).toBe(0);
      world.close();
    });

    test("writes reach it, also those that come in pieces", () => {
      const world = new NbdWorld();
      const client = world.connect().go(structured);
      client.stream.grain = 700;
      const data = new Uint8Array(65_536).map((_, at) => at * 7);
      expect(client.ask(CMD_WRITE, 1024, data.length, 0, data).error).toBe(0);
      expect(Buffer.from(data).equals(world.peer.image.subarray(1024, 1024 + 65_536))).toBe(true);
      expect(Buffer.from(client.read(1024, data.length).data).equals(data)).toBe(true);
      world.close();
    });

    test("zeroes are written as zeroes", () => {
      const world = new NbdWorld({ sectors: 8192 });
      const client = world.connect().go(structured);
      // More than one command's worth.
      const length = 3 * 2 ** 20 + 512;
      expect(client.ask(CMD_WRITE_ZEROES, 512, length, CMD_FLAG_NO_HOLE).error).toBe(0);
      const { image } = world.peer;
      expect(image.subarray(512, 512 + length).every((byte) => byte === 0)).toBe(true);
      expect(image.subarray(0, 512).some((byte) => byte !== 0)).toBe(true);
      expect(image.subarray(512 + length).some((byte) => byte !== 0)).toBe(true);
      world.close();
    });

    test("FUA is a write, then a flush, then the answer", () => {
      const world = new NbdWorld();
      const client = world.connect().go(structured);
      expect(client.ask(CMD_WRITE, 0, 512, CMD_FLAG_FUA, filled(512, 1)).error).toBe(0);
      expect(asked(world)).toEqual(["write 0+1", "flush 0+0"]);
      world.peer.seen.length = 0;
      expect(client.ask(CMD_WRITE_ZEROES, 1024, 512, CMD_FLAG_FUA).error).toBe(0);
      expect(asked(world)).toEqual(["write 2+1", "flush 0+0"]);
      world.peer.seen.length = 0;
      expect(client.ask(CMD_FLUSH, 0, 0).error).toBe(0);
      expect(asked(world)).toEqual(["flush 0+0"]);
      world.close();
    });

    test("FUA is not answered well when its flush fails", () => {
      const world = new NbdWorld();
      const client = world.connect().go(structured);
      world.peer.script = (frame) => {
        const isFlush = frame.opcode === ata.FLUSH_EXT || frame.opcode === ata.FLUSH;
        world.peer.answer(frame, isFlush ? { status: 0x41, ataError: ata.ERROR_ABRT } : {});
      };
      expect(client.ask(CMD_WRITE, 0, 512, CMD_FLAG_FUA, filled(512, 1)).error).toBe(NBD_EIO);
      world.close();
    });

    const SIZE = 1024 * 512;
    const MORE = 2 ** 25 + 512;
    const rows: [string, number, number, number, number, number][] = [
      ["an unaligned offset", CMD_READ, 100, 512, 0, NBD_EINVAL],
      ["an unaligned length", CMD_READ, 0, 100, 0, NBD_EINVAL],
      ["an unaligned write", CMD_WRITE, 100, 512, 0, NBD_EINVAL],
      ["unaligned zeroes", CMD_WRITE_ZEROES, 0, 513, 0, NBD_EINVAL],
      ["a read beyond the end", CMD_READ, SIZE - 512, 1024, 0, NBD_EINVAL],
      ["a read far beyond the end", CMD_READ, 2 ** 60, 512, 0, NBD_EINVAL],
      ["a write beyond the end", CMD_WRITE, SIZE, 512, 0, NBD_ENOSPC],
      ["zeroes beyond the end", CMD_WRITE_ZEROES, SIZE - 512, 1024, 0, NBD_ENOSPC],
      ["a read of more than one may", CMD_READ, 0, MORE, 0, NBD_EINVAL],
      ["a write of more than one may", CMD_WRITE, 0, MORE, 0, NBD_EINVAL],
      ["a trim", CMD_TRIM, 0, 512, 0, NBD_EINVAL],
      ["a cache", CMD_CACHE, 0, 512, 0, NBD_EINVAL],
      ["an unknown request", 77, 0, 512, 0, NBD_EINVAL],
      ["an unknown flag", CMD_READ, 0, 512, 0x80, NBD_EINVAL],
      ["fast zeroes", CMD_WRITE_ZEROES, 0, 512, 16, NBD_EINVAL],
      ["a flush with a length", CMD_FLUSH, 0, 512, 0, NBD_EINVAL],
      ["a flush with an offset", CMD_FLUSH, 512, 0, 0, NBD_EINVAL],
      [
        "DF where nothing is fragmented",
        CMD_READ,
        0,
        512,
        CMD_FLAG_DF,
        structured ? 0 : NBD_EINVAL,
      ],
    ];
    test("the last sector is read, written and zeroed; zeroes may be more than data may", () => {
      const sectors = (MORE + 512) / 512;
      const world = new NbdWorld({ sectors });
      const client = world.connect().go(structured);
      const last = (sectors - 1) * 512;
      expect(client.ask(CMD_WRITE, last, 512, 0, filled(512, 7)).error).toBe(0);
      expect([...client.read(last, 512).data]).toEqual([...filled(512, 7)]);
      expect(client.ask(CMD_WRITE_ZEROES, 512, MORE, CMD_FLAG_NO_HOLE).error).toBe(0);
      expect(world.peer.image.subarray(512).every((byte) => byte === 0)).toBe(true);
      world.close();
    });

    for (const [what, type, offset, length, flags, error] of rows) {
      test(`${what}: ${error}, and the next request is served`, () => {
        const world = new NbdWorld();
        const client = world.connect().go(structured);
        const data = type === CMD_WRITE ? filled(length, 9) : undefined;
        if (type === CMD_READ) client.reads.add(1);
        const before = Buffer.from(world.peer.image);
        const reply = client.ask(type, offset, length, flags, data);
        expect(reply.error).toBe(error);
        if (error !== 0) {
          expect(reply.message !== "").toBe(structured);
          expect(asked(world)).toEqual([]);
          expect(world.server.counters.refused).toBe(1);
        }
        expect(before.equals(world.peer.image)).toBe(true);
        expect(client.read(0, 512).error).toBe(0);
        world.close();
      });
    }

    const ABRT = { status: 0x41, ataError: ata.ERROR_ABRT };
    const IDNF = { status: 0x41, ataError: ata.ERROR_IDNF };
    const UNC = { status: 0x41, ataError: ata.ERROR_UNC };
    const RESERVED = { flags: 0x0c, error: 6 };
    const ends: [string, number, object | null, number, RegExp][] = [
      ["a medium that can't be read", CMD_READ, UNC, NBD_EIO, /^e7.3 can't read sector.*medium/],
      ["a write that is aborted", CMD_WRITE, ABRT, NBD_EIO, /^e7.3 can't write.*aborted/],
      ["a sector that is none, written", CMD_WRITE, IDNF, NBD_ENOSPC, /no such sector/],
      ["a sector that is none, read", CMD_READ, IDNF, NBD_EIO, /no such sector/],
      ["a target reserved by others", CMD_WRITE, RESERVED, NBD_EPERM, /reserved/],
      ["an AoE error", CMD_READ, { flags: 0x0c, error: 3 }, NBD_EIO, /unavailable/],
      ["silence", CMD_READ, null, NBD_EIO, /no answer within 10 s/],
    ];
    for (const [what, type, twist, error, sentence] of ends) {
      test(`${what}: ${error}`, () => {
        const world = new NbdWorld();
        const client = world.connect().go(structured);
        world.peer.script = (frame) => {
          if (twist !== null) world.peer.answer(frame, twist);
        };
        const reply = client.ask(
          type,
          512,
          512,
          0,
          type === CMD_WRITE ? filled(512, 3) : undefined,
        );
        expect(reply.error).toBe(error);
        if (structured) expect(reply.message).toMatch(sentence);
        expect(world.server.counters.failed).toBe(1);
        world.peer.script = (frame) => world.peer.answer(frame);
        expect(client.read(0, 512).error).toBe(0);
        world.close();
      });
    }
  });
}

test("a read-only export refuses what writes, and offers no flush", () => {
  const world = new NbdWorld({ readOnly: true, canFlush: false });
  const client = world.connect().go();
  expect(client.ask(CMD_WRITE, 0, 512, 0, filled(512, 1)).error).toBe(NBD_EPERM);
  expect(client.ask(CMD_WRITE_ZEROES, 0, 512).error).toBe(NBD_EPERM);
  expect(client.ask(CMD_FLUSH, 0, 0).error).toBe(NBD_EINVAL);
  expect(client.read(0, 512).error).toBe(0);
  expect(asked(world)).toEqual(["read 0+1"]);
  world.close();
});

test("FUA where no flush was offered is refused", () => {
  const world = new NbdWorld({ canFlush: false });
  const client = world.connect().go();
  expect(client.ask(CMD_WRITE, 0, 512, CMD_FLAG_FUA, filled(512, 1)).error).toBe(NBD_EINVAL);
  expect(client.ask(CMD_WRITE, 0, 512, 0, filled(512, 1)).error).toBe(0);
  world.close();
});

describe("several connections", () => {
  test("what one was told is written, the other reads; a flush of one is the device's", () => {
    const world = new NbdWorld();
    const a = world.connect().go();
    const b = world.connect().go(true);
    expect(a.ask(CMD_WRITE, 2048, 512, 0, filled(512, 0x5a)).error).toBe(0);
    expect([...new Set(b.read(2048, 512).data)]).toEqual([0x5a]);
    expect(b.ask(CMD_FLUSH, 0, 0).error).toBe(0);
    expect(asked(world)).toEqual(["write 4+1", "read 4+1", "flush 0+0"]);
    world.close();
  });

  test("who finds no place waits until one is free", () => {
    const world = new NbdWorld({ mostConnections: 2 });
    const [a, b, c] = [world.connect(), world.connect(), world.connect()];
    world.rest();
    expect([a, b, c].map((client) => client.output.length)).toEqual([18, 18, 0]);
    expect(world.server.connections).toBe(2);
    a.write(hello(), option(OPT_ABORT));
    world.rest();
    expect(c.output.length).toBe(18);
    expect(world.server.connections).toBe(2);
    world.close();
  });

  test("an iteration serves few clients and moves few bytes: frames are looked at in between", () => {
    const world = new NbdWorld({ mostConnections: 40, sectors: 32_768 });
    const clients = Array.from({ length: 40 }, () => world.connect());
    const served: number[] = [];
    const bytes: number[] = [];
    const { server } = world;
    const advance = server.advance.bind(server);
    const state = () =>
      clients.map(({ stream }) => [
        stream.sent.reduce((sum, { length }) => sum + length, 0),
        stream.waiting.length,
      ]);
    server.advance = (now) => {
      const before = state();
      advance(now);
      const moved = state().map(
        ([sent = 0, waiting = 0], at) =>
          sent - (before[at]?.[0] ?? 0) + (before[at]?.[1] ?? 0) - waiting,
      );
      served.push(moved.filter((each) => each > 0).length);
      bytes.push(Math.max(...moved));
    };
    world.rest();
    expect(clients.every(({ output }) => output.length === 18)).toBe(true);
    expect(Math.max(...served)).toBeLessThanOrEqual(2 * MOST_SERVED);
    const client = (clients[0] ?? world.connect()).go();
    const length = 8 << 20;
    expect(client.ask(CMD_WRITE, 0, length, 0, filled(length, 7)).error).toBe(0);
    expect(client.read(0, length).data.every((byte) => byte === 7)).toBe(true);
    // Twice an iteration it may read so much, and send so much at two places.
    expect(Math.max(...bytes)).toBeLessThanOrEqual(6 * MOST_SENT);
    world.close();
  });

  test("no descriptor for a client: said, and tried again after 100 ms, without a busy loop", () => {
    const world = new NbdWorld();
    const EMFILE = 24;
    world.acceptErrors.push(-EMFILE, -EMFILE);
    const client = world.connect();
    world.rest(199 * MS);
    expect(client.output.length).toBe(0);
    world.rest(2 * MS);
    expect(client.output.length).toBe(18);
    expect(world.notices).toEqual(["Can't accept an NBD client (errno 24)"]);
    world.close();
  });

  test("one that does not finish its handshake gives its place back", () => {
    const world = new NbdWorld({ mostConnections: 1 });
    const a = world.connect();
    const b = world.connect();
    world.rest(HANDSHAKE_TIME - MS);
    expect(b.output.length).toBe(0);
    world.rest(10 * MS);
    expect(a.stream.closed).toBe(true);
    expect(b.output.length).toBe(18);
    expect(world.notices).toEqual(["NBD client 1 did not finish its handshake"]);
    world.close();
  });

  test("each has its own time for the handshake", () => {
    const world = new NbdWorld();
    const clients = [0, 4, 4].map((seconds) => {
      world.rest(seconds * S);
      return world.connect();
    });
    const closed = (): boolean[] => clients.map(({ stream }) => stream.closed);
    // Connected at 0, 4 and 8 s.
    world.rest(HANDSHAKE_TIME - 8 * S + MS);
    expect(closed()).toEqual([true, false, false]);
    world.rest(4 * S);
    expect(closed()).toEqual([true, true, false]);
    world.rest(4 * S);
    expect(closed()).toEqual([true, true, true]);
    world.close();
  });

  test("one that is through its handshake may be silent for as long as it likes", () => {
    const world = new NbdWorld();
    const client = world.connect().go();
    world.rest(100 * S);
    expect(client.read(0, 512).error).toBe(0);
    world.close();
  });
});

describe("the device at its address", () => {
  test("another disk: what is in hand and what is asked then ends with ESHUTDOWN, and the server ends", () => {
    const world = new NbdWorld();
    const client = world.connect().go(true);
    expect(client.read(0, 512).error).toBe(0);
    const before = world.peer.image.slice();
    world.peer.script = () => {};
    const waits = client.request(CMD_WRITE, 0, 512, 0, filled(512, 0xee));
    world.rest();
    world.peer.seen.length = 0;
    world.peer.serial = "another";
    world.peer.announce();
    world.rest();
    const late = client.request(CMD_READ, 0, 512);
    world.run(() => world.server.finished, 10 * S);
    expect(world.server.finished).toBe(true);
    const errors = new Map(client.replies().map(({ cookie, error }) => [cookie, error]));
    expect([errors.get(waits), errors.get(late) ?? NBD_ESHUTDOWN]).toEqual([
      NBD_ESHUTDOWN,
      NBD_ESHUTDOWN,
    ]);
    expect(world.peer.image).toEqual(before);
    expect(asked(world).filter((name) => name.startsWith("write"))).toEqual([]);
    world.close();
  });

  test("another size, announced: clients from then on are told, and nobody reads beyond it", () => {
    const world = new NbdWorld();
    const client = world.connect().go(true);
    world.peer.sectors = 512;
    world.peer.announce();
    world.rest();
    expect(world.server.facts.size).toBe(512 * 512);
    expect(client.read(511 * 512, 512).error).toBe(0);
    expect(client.read(512 * 512, 512).error).toBe(NBD_EINVAL);
    world.close();
  });
});

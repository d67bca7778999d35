// Whatever a client says or leaves unsaid: nothing is thrown, its connection ends, every request ends at
// the device, and all memory comes back (NbdWorld.close throws where it does not).

import { describe, expect, test } from "bun:test";
import { createRandom } from "../../words/random.ts";
import { emitInfoRequest } from "./handshake.ts";
import {
  CMD_DISC,
  CMD_FLAG_FUA,
  CMD_FLUSH,
  CMD_READ,
  CMD_TRIM,
  CMD_WRITE,
  CMD_WRITE_ZEROES,
  OPT_EXPORT_NAME,
  OPT_GO,
  OPT_LIST,
  OPT_STRUCTURED_REPLY,
} from "./protocol.ts";
import { hello, NbdWorld, option, request } from "../../testing/doubles/scripted_client.ts";

const S = 1e9;
const MS = 1e6;

function filled(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}

/** A whole session: handshake, each kind of request, good and bad, and the end. */
function session(): Uint8Array {
  return Buffer.concat([
    hello(),
    option(OPT_STRUCTURED_REPLY),
    option(77, filled(5, 1)),
    option(OPT_LIST),
    option(OPT_GO, emitInfoRequest({ name: "disk", infos: [0, 1, 2, 3, 9] })),
    request(CMD_WRITE, 512, 1024, 0, 1),
    filled(1024, 0x11),
    request(CMD_WRITE, 100, 512, 0, 2),
    filled(512, 0x22),
    request(CMD_READ, 0, 2048, 0, 3),
    request(CMD_WRITE_ZEROES, 4096, 1024, CMD_FLAG_FUA, 4),
    request(CMD_TRIM, 0, 512, 0, 5),
    request(CMD_FLUSH, 0, 0, 0, 6),
    request(CMD_DISC, 0, 0, 0, 7),
  ]);
}

test("a session that comes byte by byte gets what one gets that comes at once", () => {
  const outputs = [Infinity, 1, 3, 17].map((grain) => {
    const world = new NbdWorld();
    const client = world.connect();
    client.stream.grain = grain;
    client.write(session());
    world.rest(100 * MS);
    expect(client.stream.closed).toBe(true);
    // Replies come in the order of their ends, which is not that of the requests.
    const output = client.output;
    world.close();
    return Buffer.from(Uint8Array.from(output).sort()).toString("hex");
  });
  expect(outputs[0]?.length).toBeGreaterThan(2 * 2048);
  expect(new Set(outputs).size).toBe(1);
});

test("cut at every length, it ends, and everything comes back", () => {
  const world = new NbdWorld();
  const whole = session();
  for (let length = 0; length < whole.length; length++) {
    const client = world.connect();
    client.write(whole.subarray(0, length));
    client.stream.ended = true;
    world.run(() => client.stream.closed, S);
    expect([length, client.stream.closed]).toEqual([length, true]);
  }
  world.rest();
  expect([world.server.connections, world.device.pending]).toEqual([0, 0]);
  world.close();
});

test("cut off at every length, it ends, and everything comes back", () => {
  const world = new NbdWorld();
  const whole = session();
  for (let length = 0; length < whole.length; length += 3) {
    const client = world.connect();
    client.write(whole.subarray(0, length));
    world.rest(length % 2 === 0 ? 0 : 20e3);
    client.stream.broken = true;
    world.run(() => client.stream.closed, S);
    expect([length, client.stream.closed]).toEqual([length, true]);
  }
  world.rest();
  expect([world.server.connections, world.device.pending]).toEqual([0, 0]);
  world.close();
});

describe("random bytes", () => {
  const seed = Number(process.env["AOE_SEED"] ?? 20_261_123);
  for (const kind of ["a damaged session", "noise behind the greeting", "noise as requests"]) {
    test(`${kind}: it ends, nothing is thrown, everything comes back (AOE_SEED=${seed})`, () => {
      const random = createRandom(seed).fork(kind);
      const world = new NbdWorld();
      const whole = session();
      for (let round = 0; round < 300; round++) {
        const client = world.connect();
        const noise = new Uint8Array(random.below(400)).map(() => random.next());
        if (kind === "a damaged session") {
          const damaged = whole.slice();
          for (let flips = 1 + random.below(4); flips > 0; flips--) {
            damaged[random.below(damaged.length)] = random.next();
          }
          client.write(damaged);
        } else if (kind === "noise behind the greeting") {
          client.write(hello(), noise);
        } else {
          const type = random.below(9);
          client.write(hello(), option(OPT_EXPORT_NAME));
          const flags = random.below(4) === 0 ? random.below(64) : 0;
          const length = random.below(3) === 0 ? random.next() : random.below(8) * 512;
          client.write(request(type, random.below(2 ** 20), length, flags, random.next()), noise);
        }
        client.stream.grain = 1 + random.below(600);
        world.rest(random.below(50) * 1e3);
        if (random.below(2) === 0) client.stream.ended = true;
        else client.stream.broken = true;
        expect([round, world.run(() => client.stream.closed, 20 * S)]).toEqual([round, true]);
      }
      world.rest();
      expect([world.server.connections, world.device.pending]).toEqual([0, 0]);
      world.close();
    });
  }
});

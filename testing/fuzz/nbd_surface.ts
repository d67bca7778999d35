// Bytes of NBD clients at the server: a session built by the grammar, mutated, cut into pieces, ended or
// broken off. Nothing is thrown, the connection ends, every request ends at the device, all memory
// comes back (NbdWorld.close throws where it does not).

import { emitInfoRequest } from "../../initiator/nbd/handshake.ts";
import {
  OPT_EXPORT_NAME,
  OPT_GO,
  OPT_LIST,
  OPT_STRUCTURED_REPLY,
} from "../../initiator/nbd/protocol.ts";
import { hello, NbdWorld, option, request } from "../doubles/scripted_client.ts";
import { pattern } from "../doubles/probe.ts";
import type { Random } from "../../words/random.ts";
import { mutateBytes } from "./mutate.ts";
import { fromHex, must, pick, type Surface, toHex } from "./surface.ts";

function session(random: Random): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [hello(pick(random, [3, 1, 0, random.below(256)]))];
  if (random.below(2) === 0) parts.push(option(OPT_STRUCTURED_REPLY));
  for (let options = random.below(3); options > 0; options--) {
    parts.push(
      option(pick(random, [OPT_LIST, random.below(32)]), new Uint8Array(random.below(40))),
    );
  }
  const name = pick(random, ["", "disk", "other", "x".repeat(random.below(300))]);
  if (random.below(3) === 0) parts.push(option(OPT_EXPORT_NAME, new TextEncoder().encode(name)));
  else {
    const infos = Array.from({ length: random.below(6) }, () => random.below(8));
    parts.push(option(OPT_GO, emitInfoRequest({ name, infos })));
  }
  for (let requests = random.below(12); requests > 0; requests--) {
    const type = pick(random, [0, 0, 1, 1, 2, 3, 4, 6, random.below(256)]);
    const offset = pick(random, [0, 512, 100, 1 << 20, 2 ** 40, random.below(4096) * 512]);
    const length = pick(random, [0, 512, 1024, 4096, 100, 65_536, random.next()]);
    const flags = random.below(4) === 0 ? random.below(32) : 0;
    parts.push(request(type, offset, length, flags, random.next()));
    if (type === 1) parts.push(pattern(Math.min(128, Math.ceil(length / 512)), random.next()));
  }
  return new Uint8Array(Buffer.concat(parts));
}

export const nbdSurface: Surface = {
  name: "nbd",
  about: "bytes of NBD clients at the server",
  make(random) {
    const clients = 1 + random.below(3);
    return Array.from({ length: clients }, () => {
      const whole = session(random);
      const bytes = random.below(4) === 0 ? whole : mutateBytes(whole, random, 5);
      // Not so small that a long session takes more iterations than an instant may have.
      const grain = pick(random, [1 << 30, 1, 1 + random.below(600)]) + (bytes.length >> 12);
      const end = pick(random, ["ended", "ended", "broken"]);
      return `${end} ${grain} ${random.below(50e3)} ${toHex(bytes)}`;
    }).join("\n");
  },
  run(input) {
    const world = new NbdWorld();
    let sent = 0;
    for (const line of input.split("\n")) {
      const [end, grain = "1", pause = "0", hex = ""] = line.split(" ");
      const client = world.connect();
      client.stream.grain = Math.max(1, Number(grain) || 1);
      client.write(fromHex(hex));
      world.rest(Number(pause) || 0);
      if (end === "broken") client.stream.broken = true;
      else client.stream.ended = true;
      must(
        world.run(() => client.stream.closed, 60e9),
        () => "a connection never ends",
      );
      sent += client.output.length;
    }
    world.rest();
    must(world.server.connections === 0, () => `${world.server.connections} connections are left`);
    must(world.device.pending === 0, () => `${world.device.pending} requests are left`);
    world.close();
    return sent > 100 ? "served" : "turned away";
  },
};

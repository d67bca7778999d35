// One end of a pair as plain as they come: a raw socket without a ring, with the kernel's default receive
// buffer, and one frame that it sends. For measurements of targets that want nothing between them and the wire.

import { now } from "../../sys/clock.ts";
import { readInterface } from "../../sys/interface.ts";
import { mapMemory } from "../../sys/memory.ts";
import { openPacketSocket, type PacketSocket } from "../../sys/packet_socket.ts";
import { createPoller, type Poller } from "../../sys/poll.ts";
import { environment } from "../../words/failure.ts";
import { MS, S } from "../../words/quantity.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import { BROADCAST, type Mac } from "../../wire/mac.ts";

/** Of every read. */
const READ_BYTES = 1024;

export class Asker {
  private readonly socket: PacketSocket;
  private readonly poller: Poller = createPoller();
  private readonly out = mapMemory(64);
  private readonly into = mapMemory(2048);
  private readonly mac: Mac;
  private tag = 0;

  constructor(name: string) {
    const found = readInterface(name);
    if (found === null) throw environment(`No interface ${name}`);
    this.socket = openPacketSocket();
    this.socket.bind(found.index, ethernet.ETHERTYPE_AOE);
    this.poller.add(this.socket.fd);
    this.mac = found.mac;
  }

  private header(to: Mac, major: number, minor: number, command: number): DataView {
    const { view } = this.out;
    this.out.bytes.fill(0);
    ethernet.write(view, 0, to, this.mac);
    aoe.write(view, 0, 0, 0, major, minor, command, ++this.tag);
    return view;
  }

  sendConfig(major: number, minor: number): void {
    const view = this.header(BROADCAST, major, minor, aoe.COMMAND_CONFIG);
    view.setUint8(config.VERSION_COMMAND, (aoe.VERSION << 4) | config.READ);
    this.socket.send(this.out.address, ethernet.SHORTEST);
  }

  /** The tag that it has. */
  sendRead(to: Mac, major: number, minor: number, lba: number): number {
    const view = this.header(to, major, minor, aoe.COMMAND_ATA);
    ata.write(view, 0, ata.FLAG_EXTENDED, 0, READ_BYTES / ata.SECTOR, ata.READ_EXT, lba);
    for (;;) {
      if (this.socket.send(this.out.address, ethernet.SHORTEST) === 0) return this.tag;
    }
  }

  /** The next answer within `patience` ns, as a view; null: none came. `spin`: awake, so that waking up costs nothing. */
  take(patience: number, spin = false): DataView | null {
    const until = now() + patience;
    for (;;) {
      const length = this.socket.receive(this.into.address, 2048);
      if (length >= aoe.LENGTH && aoe.isResponse(this.into.view, 0)) return this.into.view;
      if (length > 0) continue;
      if (now() >= until) return null;
      if (!spin) this.poller.wait(until);
    }
  }

  takeDrops(): number {
    return this.socket.takeDrops();
  }

  /** Forgets what is on its way. */
  drain(quiet: number): void {
    while (this.take(quiet) !== null);
  }

  close(): void {
    this.poller.close();
    this.socket.close();
  }
}

interface FirstAnswer {
  readonly at: number;
  readonly mac: Mac;
}

/** When `major.minor` first answers, asked for so often, and with which MAC; null: not within `patience`. */
export function firstAnswer(
  asker: Asker,
  major: number,
  minor: number,
  { every, patience }: { readonly every: number; readonly patience: number },
): FirstAnswer | null {
  const giveUp = now() + patience;
  while (now() < giveUp) {
    asker.sendConfig(major, minor);
    for (let view = asker.take(every); view !== null; view = asker.take(every)) {
      if (aoe.major(view, 0) !== major || aoe.minor(view, 0) !== minor) continue;
      return { at: now(), mac: ethernet.source(view, 0) };
    }
  }
  return null;
}

/** `firstAnswer` within a minute, of a target that is being started. */
export function awaitExport(asker: Asker, major: number, minor: number): FirstAnswer {
  const found = firstAnswer(asker, major, minor, { every: 2 * MS, patience: 60 * S });
  if (found === null) throw environment(`e${major}.${minor} did not answer in a minute`);
  return found;
}

// The null target: answers at once, touches no store, checks nothing. What a load measures against it is
// the harness's own floor: initiator, pool, link and kernel, and as little else as a target can be.
//
//   bun null_target.ts INTERFACES SECTORS BUFFER_COUNT [CPU]      e7.3 until SIGTERM
//
//   request  │ headers turned round, status ready │ data: whatever the answer's memory holds

import { drive } from "../../link/drive.ts";
import type { FrameView, Link, TxBuffer } from "../../link/link.ts";
import type { Core, Port } from "../../link/loop.ts";
import { openPacketLink } from "../../link/packet.ts";
import { createPollWaiter } from "../../link/poll_waiter.ts";
import { pinToCpus } from "../../sys/affinity.ts";
import { environment, Failure } from "../../words/failure.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import * as identify from "../../wire/identify.ts";
import { isStarted } from "../../sys/root.ts";

const MAJOR = 7;
const MINOR = 3;

/** A core with one answer's memory for each link: links that copy release it at once. */
export class NullTarget implements Core {
  readonly ports: readonly Port[];
  private readonly identity = new Uint8Array(identify.LENGTH);
  private readonly bufferCount: number;

  constructor(links: readonly Link[], sectors: number, bufferCount: number) {
    this.bufferCount = bufferCount;
    identify.emit(
      {
        serial: "null",
        firmware: "0",
        model: "null target",
        sectors,
        writeCache: true,
        smart: false,
        physicalSectorBytes: 512,
        rpm: null,
        instance: 0,
      },
      new DataView(this.identity.buffer),
      0,
    );
    this.ports = links.map((link) => this.port(link));
  }

  begin(_now: number): void {}
  advance(_now: number): void {}
  nextDeadline(): number {
    return Number.POSITIVE_INFINITY;
  }

  private port(link: Link): Port {
    const answer = link.allocate(ethernet.LENGTH + link.mtu);
    if (answer === null) throw environment("The link gave the null target no buffer");
    const visit = (frame: FrameView): void => {
      const length = this.answer(frame, answer, link);
      // A second transmit of pinned memory would be a lie about what was sent: then silence.
      if (length > 0 && answer.pins === 0) link.transmit(answer, length);
    };
    return { link, visit, reclaimed: () => {} };
  }

  /** The answer's length; 0: none. */
  private answer({ view, base, length, bytes }: FrameView, to: TxBuffer, link: Link): number {
    if (length < aoe.LENGTH || aoe.isResponse(view, base)) return 0;
    const command = aoe.command(view, base);
    const header = command === aoe.COMMAND_ATA ? ata.LENGTH : config.LENGTH;
    if (command > aoe.COMMAND_CONFIG || length < header) return 0;
    for (let at = 0; at < header; at++) to.view.setUint8(at, bytes[base + at] ?? 0);
    ethernet.write(to.view, 0, ethernet.source(view, base), link.mac);
    to.view.setUint8(aoe.VERSION_FLAGS, (aoe.VERSION << 4) | aoe.FLAG_RESPONSE);
    to.view.setUint16(aoe.MAJOR, MAJOR);
    to.view.setUint8(aoe.MINOR, MINOR);
    if (command === aoe.COMMAND_CONFIG) {
      const most = Math.min(
        255,
        Math.floor((link.mtu + ethernet.LENGTH - ata.LENGTH) / ata.SECTOR),
      );
      config.write(to.view, 0, this.bufferCount, 0, most, config.READ, 0);
      return ethernet.SHORTEST;
    }
    const opcode = ata.command(view, base);
    const sectors = ata.count(view, base);
    to.view.setUint8(ata.FEATURE, 0);
    to.view.setUint8(ata.COMMAND, ata.STATUS_DRDY);
    if (opcode === ata.IDENTIFY) {
      to.bytes.set(this.identity, ata.LENGTH);
      return ata.LENGTH + identify.LENGTH;
    }
    const data = ata.isRead(opcode) ? sectors * ata.SECTOR : 0;
    return Math.min(to.bytes.length, Math.max(ethernet.SHORTEST, ata.LENGTH + data));
  }
}

async function main([names = "", sectors = "0", bufferCount = "0", cpu]: string[]): Promise<void> {
  if (cpu !== undefined) pinToCpus([Number(cpu)]);
  const waiter = createPollWaiter();
  const links = names.split(",").map((name) => {
    const link = openPacketLink({ interface: name });
    for (const fd of link.fds) waiter.add(fd);
    return link;
  });
  let stop = false;
  process.on("SIGTERM", () => {
    stop = true;
    waiter.wake();
  });
  const core = new NullTarget(links, Number(sectors), Number(bufferCount));
  await drive({ core, waiter, mode: "low-latency", until: () => stop });
  for (const link of links) link.close();
  waiter.close();
}

if (isStarted("bench/run/null_target.ts")) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error.exitCode;
  }
}

// The target under any frames. Two surfaces:
//
//   target    no service model: its answers and its state are exactly those of target_model.ts
//   service   with a service model, a busy link, a cable that comes and goes: what holds whatever happens
//
// Both: no exception, nothing sent that nobody asked for, no write outside the rules, and when it is
// quiet again nothing in hand and every slot back.

import type { Frame } from "../../wire/frame.ts";
import { length, toBytes } from "../../wire/frame.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as ethernet from "../../wire/ethernet.ts";
import { FIRMWARE } from "../../target/protocol/config_commands.ts";
import {
  createProbe,
  MAJOR,
  MINOR,
  OURS,
  OURS_TOO,
  type Probe,
  SECTORS,
} from "../doubles/probe.ts";
import type { Random } from "../../words/random.ts";
import { makeSession, MOST_BYTES } from "./frame_grammar.ts";
import { fromHex, must, pick, type Surface, toHex } from "./surface.ts";
import { TargetModel } from "./target_model.ts";

const BUFFER_COUNT = 8;
/** Long enough for every service model below to end what it holds, virtual ns. */
const QUIET = 100e9;

export const targetSurface: Surface = {
  name: "target",
  about: "frames at the target core, every answer byte for byte by a second reading of the rules",
  make: (random) => makeSession(random, 60, false),
  run(input) {
    const lines = input.split("\n");
    const mtu = mtuOf(lines);
    const probe = createProbe({
      mtu,
      peerMtu: MOST_BYTES - ethernet.LENGTH,
      exported: { bufferCount: BUFFER_COUNT },
    });
    const model = new TargetModel({
      major: MAJOR,
      minor: MINOR,
      sectors: SECTORS,
      mtu,
      bufferCount: BUFFER_COUNT,
      firmware: FIRMWARE,
      ports: [OURS, OURS_TOO],
      identify: probe.owner.identifySector,
    });
    let answered = 0;
    for (const line of lines) {
      const [word, argument = ""] = line.split(" ");
      if (word === "wait") {
        const came = probe.run(Number(argument));
        must(came.length === 0, () => `P2: ${came.length} frames that nobody asked for`);
      }
      if (word !== "send") continue;
      const bytes = fromHex(argument);
      if (bytes.length < ethernet.LENGTH) continue;
      const expected = model.answers(bytes, probe.clock.now()).map(toHex);
      const came = probe.ask(bytes).map((frame) => toHex(toBytes(frame)));
      answered += came.length;
      must(
        came.join() === expected.join(),
        () => `the answer to ${line}\n  is     ${came.join(" ")}\n  not    ${expected.join(" ")}`,
      );
      same(probe, model, line);
    }
    idle(probe);
    return answered > 0 ? "answered" : "silent";
  },
};

/** The export's state and every byte of its store are the model's. */
function same(probe: Probe, model: TargetModel, line: string): void {
  const { config, masks, reservation } = probe.owner.state;
  must(toHex(config) === toHex(model.config), () => `the config string differs after ${line}`);
  must(masks.join() === model.masks.join(), () => `the mask list differs after ${line}`);
  must(
    reservation.join() === model.reservation.join(),
    () => `the reservation differs after ${line}`,
  );
  must(
    Buffer.compare(probe.store.bytes, model.store) === 0,
    () => `the store differs after ${line}`,
  );
}

/** Nothing in hand, nothing waiting, every place given back. */
function idle(probe: Probe): void {
  const late = probe.run(QUIET);
  const { target, owner } = probe;
  must(target.inHand === 0, () => `${target.inHand} requests are still in hand`);
  must(owner.counters.inService === 0, () => `${owner.counters.inService} are still in service`);
  for (const port of target.ports) {
    must(port.backlog.length === 0, () => `${port.backlog.length} answers still wait`);
    must(port.sweeps.length === 0, () => `${port.sweeps.length} broadcasts are not done with`);
    must(port.duplicates.inService === 0, () => "P28 still holds a request as in service");
  }
  must(probe.run(QUIET).length === 0, () => `it goes on sending after ${late.length} late answers`);
}

export const MODELS: readonly [string, ...string[]] = [
  "delay:100us",
  "lanes:1,delay:1ms",
  "lanes:2,delay:exponential/300us",
  "delay:uniform/0us/2ms,drop:20%",
  "duplicate:30%,reorder:30%/1ms",
  "rate:1000iops/4",
  "rate:1m/4k,error:unc/20%",
  "stall:5ms/2ms,error:2/10%",
  "seek:7200/1ms/10ms",
  "lanes:3,delay:pareto/50us/2,drop:5%,duplicate:5%,reorder:5%/200us",
];

export const serviceSurface: Surface = {
  name: "service",
  about: "frames at a target with a service model, over a link that gets busy and goes down",
  make(random: Random): string {
    return `service ${pick(random, MODELS)}\nseed ${random.below(1e6)}\n${makeSession(random, 80, true)}`;
  },
  run(input) {
    const lines = input.split("\n");
    const word = (name: string): string | undefined =>
      lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
    const service = word("service") ?? "";
    const mtu = mtuOf(lines);
    const probe = createProbe({
      mtu,
      peerMtu: MOST_BYTES - ethernet.LENGTH,
      service,
      seed: Number(word("seed") ?? 1),
      exported: { bufferCount: BUFFER_COUNT },
      target: { bound: 64 },
    });
    let asked = 0;
    let answers = 0;
    let writesAllowed = 0;
    let writes = 0;
    const { write } = probe.store;
    (probe.store as { write: typeof write }).write = (lba, sectors, memory, offset, token) => {
      writes++;
      must(
        lba >= 0 && sectors > 0 && lba + sectors <= SECTORS,
        () => `a write of ${lba}+${sectors} reaches the store`,
      );
      return write(lba, sectors, memory, offset, token);
    };
    const take = (frames: readonly Frame[]): void => {
      for (const frame of frames) {
        must(length(frame) <= ethernet.LENGTH + mtu, () => "an answer beyond the MTU");
        must((frame.aoe.flags & aoe.FLAG_RESPONSE) !== 0, () => "a request from a target");
        // An announcement after the cable came back is nobody's answer.
        if (frame.aoe.tag === 0 && frame.aoe.command === aoe.COMMAND_CONFIG) continue;
        answers++;
      }
    };
    for (const line of lines) {
      const [verb, argument = ""] = line.split(" ");
      if (verb === "wait") take(probe.run(Number(argument)));
      else if (verb === "busy") probe.network.congest(0, argument === "on");
      else if (verb === "port") {
        if (argument === "down") probe.network.down(0);
        else probe.network.up(0);
      } else if (verb === "send") {
        const bytes = fromHex(argument);
        if (bytes.length < ethernet.LENGTH) continue;
        asked += 2;
        if (mayWrite(bytes)) writesAllowed += 2;
        probe.send(bytes);
        take(probe.run(20e3));
      }
    }
    probe.network.congest(0, false);
    probe.network.up(0);
    take(probe.run(QUIET));
    idle(probe);
    // Each frame may reach both interfaces; a duplicated answer comes twice.
    const most = asked * (service.includes("duplicate") ? 2 : 1);
    must(answers <= most, () => `${answers} answers to ${asked / 2} frames`);
    must(
      writes <= writesAllowed,
      () => `${writes} writes where ${writesAllowed / 2} were asked for`,
    );
    return answers > 0 ? "answered" : "silent";
  },
};

/** Whether the frame may change a sector at all (P4, P7, P22, P33). */
function mayWrite(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return (
    bytes.length >= ata.LENGTH + ata.SECTOR &&
    ethernet.type(view, 0) === ethernet.ETHERTYPE_AOE &&
    aoe.version(view, 0) === aoe.VERSION &&
    !aoe.isResponse(view, 0) &&
    aoe.command(view, 0) === aoe.COMMAND_ATA &&
    aoe.major(view, 0) === MAJOR &&
    aoe.minor(view, 0) === MINOR &&
    ata.isWrite(ata.command(view, 0))
  );
}

export function mtuOf(lines: readonly string[]): number {
  const line = lines.find((each) => each.startsWith("mtu "));
  return Number(line?.slice(4) ?? 1500);
}

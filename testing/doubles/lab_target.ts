// A target as a process in a lab (bench/lab/), and a peer on its wire: for tests. What a test started is ended by `cleanUp`
// after each, and `removeFiles` goes after all of a file.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { FrameView, TxBuffer } from "../../link/link.ts";
import { openPacketLink, type PacketLink } from "../../link/packet.ts";
import * as aoe from "../../wire/aoe.ts";
import { BROADCAST } from "../../wire/mac.ts";
import { type Frame, parse, toBytes } from "../../wire/frame.ts";
import { isMalformed } from "../../wire/malformed.ts";
import { connectControl, type ControlClient } from "../../target/control/client.ts";
import { AOE } from "../../lab/programs.ts";
import { ataOf } from "./probe.ts";

export { AOE };
const A0 = 0x0200_0000_00a0;
const B0 = 0x0200_0000_00b0;

export const directory = mkdtempSync(join(tmpdir(), "aoe-serve-"));

export function removeFiles(): void {
  rmSync(directory, { recursive: true, force: true });
}

export const cleanups: (() => unknown)[] = [];

export async function cleanUp(): Promise<void> {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
}

let names = 0;

/** A path where nothing is. */
export function fresh(suffix: string): string {
  // Files that are tested in one process share it.
  mkdirSync(directory, { recursive: true });
  return join(directory, `${names++}${suffix}`);
}

export interface Served {
  readonly config: string;
  readonly control: string;
  readonly pid: number;
  /** What it has said on stderr. */
  said(): string;
  until(part: string): Promise<void>;
  connect(): Promise<ControlClient>;
  signal(name: NodeJS.Signals): void;
  readonly exited: Promise<number>;
}

export async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 40_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not within 40 s: ${what}`);
    await Bun.sleep(5);
  }
}

/** A target whose configuration is `exports` behind one interface and a control socket. */
export async function serve(
  exports: string,
  head = 'interfaces = ["b0"]',
  words: string[] = [],
): Promise<Served> {
  const config = fresh(".toml");
  const control = fresh(".sock");
  const log = fresh(".log");
  writeFileSync(config, `${head}\ncontrol = "${control}"\nmode = "frugal"\n${exports}`);
  const child = Bun.spawn([process.execPath, AOE, "target", "--config", config, ...words], {
    stdout: "ignore",
    stderr: Bun.file(log),
  });
  const served: Served = {
    config,
    control,
    pid: child.pid,
    said: () => readFileSync(log, "utf8"),
    until: (part) => until(`${part} in ${served.said()}`, () => served.said().includes(part)),
    async connect() {
      const client = await connectControl(control);
      cleanups.push(() => client.close());
      return client;
    },
    signal: (name) => child.kill(name),
    exited: child.exited,
  };
  cleanups.push(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  await until(
    "the target is ready or over",
    () => served.said().includes("control socket") || child.exitCode !== null,
  );
  return served;
}

export function rewrite(served: Served, change: (text: string) => string): void {
  writeFileSync(served.config, change(readFileSync(served.config, "utf8")));
}

/** Sends frames on a0 and collects what comes. */
export class Peer {
  readonly link: PacketLink;
  private readonly buffer: TxBuffer;
  readonly came: Frame[] = [];
  private readonly visit = ({ view, base, length }: FrameView): void => {
    const frame = parse(view, base, length);
    if (isMalformed(frame)) throw new Error(`malformed: ${JSON.stringify(frame)}`);
    if ((frame.aoe.flags & aoe.FLAG_RESPONSE) !== 0) this.came.push(frame);
  };

  constructor(name = "a0") {
    this.link = openPacketLink({ interface: name });
    this.buffer = this.link.allocate(16_000) as TxBuffer;
    cleanups.push(() => this.link.close());
  }

  send(frame: Frame): void {
    const bytes = toBytes({
      ...frame,
      ethernet: {
        ...frame.ethernet,
        source: A0,
        destination: frame.ethernet.destination === BROADCAST ? BROADCAST : B0,
      },
    });
    this.buffer.bytes.set(bytes);
    this.link.transmit(this.buffer, bytes.length);
    this.link.flush();
  }

  receive(): Frame[] {
    while (this.link.receive(this.visit, 64) > 0);
    return this.came;
  }

  /** The answer to one frame. */
  async ask(frame: Frame): Promise<Frame> {
    this.came.length = 0;
    this.send(frame);
    // Announcements come when they will.
    const own = (): Frame | undefined =>
      this.receive().find(({ aoe: { tag } }) => tag === frame.aoe.tag);
    await until("an answer", () => own() !== undefined);
    return own() as Frame;
  }

  /** Whether nothing comes. */
  async silent(frame: Frame): Promise<boolean> {
    this.came.length = 0;
    this.send(frame);
    await Bun.sleep(300);
    return !this.receive().some(({ aoe: { tag } }) => tag === frame.aoe.tag);
  }
}

export function ip(words: string): void {
  const run = Bun.spawnSync(["sh", "-c", `PATH=$PATH:/usr/sbin:/sbin; ip ${words}`]);
  if (run.exitCode !== 0) throw new Error(`ip ${words}: ${run.stderr.toString()}`);
}

/** What the answer to an ATA command says of its end. */
export function registers(frame: Frame): { command: number; error: number } {
  const { command, feature } = ataOf(frame);
  return { command, error: feature };
}

/** A table of an export e7.MINOR of 64 KiB of memory. */
export function memory(minor: number, more = ""): string {
  return `[[export]]\naddress = "e7.${minor}"\nmemory = "64k"\n${more}\n`;
}

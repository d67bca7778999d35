// The interfaces that a target is told to serve on, whether they are there or not:
//
//   wanted ─ there? ─▶ opened: a port of the target, announced ─ deleted, or another by that name ─▶ closed ┐
//      ▲                                                                                                   │
//      └──────────────────────── looked for again when any interface changes ◀─────────────────────────────┘
//
// An interface that was deleted and made again is another one to the kernel: its socket stays deaf and is
// replaced. A change of MTU, address or carrier is handled by the link itself (link/packet_receiver.ts).

import { readInterface } from "../../sys/interface.ts";
import { type LinkWatch, openLinkWatch } from "../../sys/link_watch.ts";
import { Failure, environment } from "../../words/failure.ts";
import { formatMac, type Mac } from "../../wire/mac.ts";
import type { Link } from "../../link/link.ts";
import { LEAST_MTU } from "../../wire/ata.ts";
import type { TargetPort } from "../protocol/port.ts";
import type { Target } from "../protocol/target.ts";

export interface InterfacesOptions {
  readonly target: Target;
  /** The fds of what is open; what becomes readable only has to end a wait. */
  readonly waiter: { add(fd: number): void; remove(fd: number): void };
  readonly open: (name: string) => Link;
  /** The target serves on `name` from now on. */
  readonly opened?: (name: string, mac: Mac) => void;
  readonly say: (sentence: string) => void;
}

interface Wanted {
  readonly name: string;
  port: TargetPort | null;
  /** The kernel's number of the interface that `port` is open on. */
  index: number;
  /** What was last said about why it isn't open. */
  said: string;
}

export class Interfaces {
  private readonly options: InterfacesOptions;
  private readonly watch: LinkWatch;
  private readonly wanted = new Map<string, Wanted>();
  /** Removed, but with requests in hand. */
  private readonly closing = new Set<Link>();

  constructor(options: InterfacesOptions) {
    this.options = options;
    this.watch = openLinkWatch();
    options.waiter.add(this.watch.fd);
  }

  /** Throws an environment failure where it can't be opened now. */
  add(name: string): void {
    this.wanted.set(name, { name, port: null, index: 0, said: "" });
    this.open(this.wanted.get(name) as Wanted);
  }

  /** These and no others; one that can't be opened now is waited for. */
  want(names: readonly string[]): void {
    for (const wanted of this.wanted.values()) {
      if (names.includes(wanted.name)) continue;
      this.wanted.delete(wanted.name);
      this.close(wanted);
    }
    for (const name of names) {
      if (this.wanted.has(name)) continue;
      const wanted = { name, port: null, index: 0, said: "" };
      this.wanted.set(name, wanted);
      this.tryOpen(wanted);
    }
  }

  /** Wanted and not there. */
  get missing(): string[] {
    return [...this.wanted.values()].filter(({ port }) => port === null).map(({ name }) => name);
  }

  /** Costs 0.2 µs when nothing has changed. */
  look(): void {
    if (!this.watch.take()) return;
    for (const wanted of this.wanted.values()) {
      const seen = readInterface(wanted.name);
      if (wanted.port !== null && seen?.index !== wanted.index) {
        this.options.say(`${wanted.name} is gone`);
        wanted.said = "";
        this.close(wanted);
      }
      if (wanted.port === null && seen !== null) this.tryOpen(wanted);
    }
  }

  private tryOpen(wanted: Wanted): void {
    const { target, say } = this.options;
    try {
      this.open(wanted);
      const { name, link, mostSectors } = target.ports.at(-1) as TargetPort;
      say(
        `serving on ${name} (${formatMac(link.mac)}), mtu ${link.mtu}, ${mostSectors} sectors a command`,
      );
      wanted.said = "";
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (wanted.said !== error.message) say(`${error.message}; waiting for it`);
      wanted.said = error.message;
    }
  }

  private open(wanted: Wanted): void {
    const { target, waiter, open } = this.options;
    const { name } = wanted;
    const before = readInterface(name);
    const link = open(name);
    const { mtu } = link;
    const index = readInterface(name)?.index;
    if (mtu < LEAST_MTU || index === undefined || index !== before?.index) {
      link.close();
      throw environment(
        mtu < LEAST_MTU
          ? `The MTU of ${name} must be ${LEAST_MTU} or more, what one sector takes, and is ${mtu}`
          : `Interface \`${name}\` changed while it was opened`,
      );
    }
    wanted.index = index;
    try {
      for (const fd of link.fds) waiter.add(fd);
      wanted.port = target.addPort(link, name);
    } catch (error) {
      for (const fd of link.fds) waiter.remove(fd);
      link.close();
      throw error;
    }
    this.options.opened?.(name, link.mac);
  }

  private close(wanted: Wanted): void {
    const { port } = wanted;
    if (port === null) return;
    wanted.port = null;
    const { link } = port;
    // A socket of a deleted interface would end every wait at once.
    for (const fd of link.fds) this.options.waiter.remove(fd);
    this.closing.add(link);
    this.options.target.removePort(port, () => {
      this.closing.delete(link);
      link.close();
    });
  }

  /** At the end. */
  shut(): void {
    for (const { port } of this.wanted.values()) port?.link.close();
    for (const link of this.closing) link.close();
    this.options.waiter.remove(this.watch.fd);
    this.watch.close();
  }
}

// Whether somebody else answers for our addresses already. It is asked on each interface that is opened, by a
// socket of its own, since the target's takes no answers (request_filter.ts):
//
//   opened ─▶ config read to all, twice ─▶ an answer for an export of ours, from no address of ours ─▶ told
//                                     └─▶ after LISTEN the socket is closed

import { openPacketLink, type PacketLink } from "../link/packet.ts";
import type { FrameView } from "../link/link.ts";
import { formatAddress } from "../words/address.ts";
import { Failure } from "../words/failure.ts";
import * as aoe from "../wire/aoe.ts";
import * as config from "../wire/config.ts";
import * as ethernet from "../wire/ethernet.ts";
import { BROADCAST, formatMac, isGroup } from "../wire/mac.ts";
import { ANSWERS } from "./request_filter.ts";
import type { Target } from "./target.ts";

/** How long answers are listened to, and how often it is asked, ns. */
const LISTEN = 1e9;
const ASK_EVERY = 300e6;
const QUESTIONS = 2;
/** Of more exports than these all targets are asked who they are. */
const ASKED_EACH = 16;
const BATCH = 64;
/** For frames of the usual MTU: a config answer with its string has 1056 bytes. */
const RING_BYTES = 256 << 10;
const LARGEST_MTU = 1500;

export interface ClaimantsOptions {
  readonly target: Target;
  /** The fds of what is open; what becomes readable only has to end a wait. */
  readonly waiter: { add(fd: number): void; remove(fd: number): void };
  /** Called with the same sentence as often as it comes. */
  readonly say: (sentence: string) => void;
}

interface Listener {
  readonly name: string;
  readonly link: PacketLink;
  asked: number;
  askAt: number;
  until: number;
}

export class Claimants {
  private readonly options: ClaimantsOptions;
  private readonly listeners: Listener[] = [];

  constructor(options: ClaimantsOptions) {
    this.options = options;
  }

  /** `name` was opened: it is asked there from the next look on. */
  opened(name: string): void {
    let link: PacketLink;
    try {
      link = openPacketLink({
        interface: name,
        ringBytes: RING_BYTES,
        largestMtu: LARGEST_MTU,
        xdp: "off",
        filter: ANSWERS,
      });
    } catch (error) {
      // The target has the interface; what it can't be asked is no reason not to serve.
      if (!(error instanceof Failure)) throw error;
      return;
    }
    for (const fd of link.fds) this.options.waiter.add(fd);
    this.listeners.push({ name, link, asked: 0, askAt: 0, until: Infinity });
  }

  /** Costs nothing once nobody is listened to. */
  look(now: number): void {
    const { listeners } = this;
    for (let index = listeners.length - 1; index >= 0; index--) {
      const listener = listeners[index] as Listener;
      const { link, name } = listener;
      if (listener.asked < QUESTIONS && now >= listener.askAt) {
        if (listener.asked++ === 0) listener.until = now + LISTEN;
        listener.askAt = now + ASK_EVERY;
        this.ask(link);
      }
      link.receive((frame) => this.heard(name, frame), BATCH);
      if (now >= listener.until) this.close(index);
    }
  }

  private ask(link: PacketLink): void {
    const { exports } = this.options.target;
    const buffer = link.allocate(ethernet.SHORTEST);
    if (buffer === null) return;
    const { view } = buffer;
    const put = (major: number, minor: number): void => {
      ethernet.write(view, 0, BROADCAST, link.mac);
      aoe.write(view, 0, 0, 0, major, minor, aoe.COMMAND_CONFIG, 0);
      config.write(view, 0, 0, 0, 0, config.READ, 0);
      link.transmit(buffer, ethernet.pad(view, 0, config.LENGTH));
    };
    if (exports.length > ASKED_EACH) put(aoe.ANY_MAJOR, aoe.ANY_MINOR);
    else for (const { major, minor } of exports) put(major, minor);
    link.free(buffer);
  }

  private heard(name: string, { view, base, length }: FrameView): void {
    const { target, say } = this.options;
    if (length < config.LENGTH || aoe.command(view, base) !== aoe.COMMAND_CONFIG) return;
    if (aoe.isError(view, base)) return;
    const source = ethernet.source(view, base);
    if (source === 0 || isGroup(source)) return;
    if (target.ports.some(({ link }) => link.mac === source)) return;
    const address = { major: aoe.major(view, base), minor: aoe.minor(view, base) };
    if (target.exportAt(address.major, address.minor) === null) return;
    say(
      `${formatAddress(address)} is answered from ${formatMac(source)} on ${name} too: two targets have one address, and an initiator uses one of them`,
    );
  }

  private close(index: number): void {
    const [listener] = this.listeners.splice(index, 1);
    if (listener === undefined) return;
    for (const fd of listener.link.fds) this.options.waiter.remove(fd);
    listener.link.close();
  }

  /** At the end. */
  shut(): void {
    while (this.listeners.length > 0) this.close(0);
  }
}

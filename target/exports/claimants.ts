// Whether somebody else answers for our addresses already. It is asked on each interface that is opened, by a
// socket of its own, since the target's takes no answers (request_filter.ts):
//
//   opened ─▶ config read to all, twice ─▶ an answer for an export of ours, from no address of ours ─▶ told
//                                     └─▶ after LISTEN the socket is closed

import { readInterface } from "../../sys/interface.ts";
import { type Mapping, mapMemory } from "../../sys/memory.ts";
import { openPacketSocket, type PacketSocket } from "../../sys/packet_socket.ts";
import { formatAddress } from "../../words/address.ts";
import { Failure } from "../../words/failure.ts";
import * as aoe from "../../wire/aoe.ts";
import * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import { BROADCAST, formatMac, isGroup, type Mac } from "../../wire/mac.ts";
import { ANSWERS } from "./request_filter.ts";
import type { Target } from "../protocol/target.ts";

/** How long answers are listened to, and how often it is asked, ns. */
const LISTEN = 1e9;
const ASK_EVERY = 300e6;
const QUESTIONS = 2;
/** Of more exports than these all targets are asked who they are. */
const ASKED_EACH = 16;
/** Frames that one look takes, and the bytes of each: a config answer with the longest string has 1056. */
const BATCH = 64;
const FRAME_BYTES = 2048;

export interface ClaimantsOptions {
  readonly target: Target;
  /** The fds of what is open; what becomes readable only has to end a wait. */
  readonly waiter: { add(fd: number): void; remove(fd: number): void };
  /** Called with the same sentence as often as it comes. */
  readonly say: (sentence: string) => void;
}

interface Listener {
  readonly name: string;
  readonly mac: Mac;
  readonly socket: PacketSocket;
  asked: number;
  askAt: number;
  until: number;
}

export class Claimants {
  private readonly options: ClaimantsOptions;
  private readonly listeners: Listener[] = [];
  /** Of one frame, out or in; there while somebody is listened to. */
  private memory: Mapping | null = null;

  constructor(options: ClaimantsOptions) {
    this.options = options;
  }

  /** `name` was opened, and has `mac`: it is asked there from the next look on. */
  opened(name: string, mac: Mac): void {
    const index = readInterface(name)?.index;
    if (index === undefined) return;
    let socket: PacketSocket | null = null;
    try {
      socket = openPacketSocket();
      socket.attachFilter(ANSWERS);
      socket.bind(index, ethernet.ETHERTYPE_AOE);
    } catch (error) {
      socket?.close();
      // The target has the interface; what it can't be asked is no reason not to serve.
      if (!(error instanceof Failure)) throw error;
      return;
    }
    this.memory ??= mapMemory(FRAME_BYTES);
    this.options.waiter.add(socket.fd);
    this.listeners.push({ name, mac, socket, asked: 0, askAt: 0, until: Infinity });
  }

  /** Costs nothing once nobody is listened to. */
  look(now: number): void {
    const { listeners, memory } = this;
    if (memory === null) return;
    for (let index = listeners.length - 1; index >= 0; index--) {
      const listener = listeners[index] as Listener;
      if (listener.asked < QUESTIONS && now >= listener.askAt) {
        if (listener.asked++ === 0) listener.until = now + LISTEN;
        listener.askAt = now + ASK_EVERY;
        this.ask(listener, memory);
      }
      for (let frames = 0; frames < BATCH; frames++) {
        const length = listener.socket.receive(memory.address, FRAME_BYTES);
        if (length <= 0) break;
        this.heard(listener.name, memory.view, length);
      }
      if (now >= listener.until) this.close(index);
    }
  }

  private ask({ mac, socket }: Listener, { view, address }: Mapping): void {
    const { exports } = this.options.target;
    const put = (major: number, minor: number): void => {
      ethernet.write(view, 0, BROADCAST, mac);
      aoe.write(view, 0, 0, 0, major, minor, aoe.COMMAND_CONFIG, 0);
      config.write(view, 0, 0, 0, 0, config.READ, 0);
      socket.send(address, ethernet.pad(view, 0, config.LENGTH));
    };
    if (exports.length > ASKED_EACH) put(aoe.ANY_MAJOR, aoe.ANY_MINOR);
    else for (const { major, minor } of exports) put(major, minor);
  }

  private heard(name: string, view: DataView, length: number): void {
    const { target, say } = this.options;
    if (length < config.LENGTH || aoe.command(view, 0) !== aoe.COMMAND_CONFIG) return;
    if (aoe.isError(view, 0)) return;
    const source = ethernet.source(view, 0);
    if (source === 0 || isGroup(source)) return;
    if (target.ports.some(({ link }) => link.mac === source)) return;
    const address = { major: aoe.major(view, 0), minor: aoe.minor(view, 0) };
    if (target.exportAt(address.major, address.minor) === null) return;
    say(
      `${formatAddress(address)} is answered from ${formatMac(source)} on ${name} too: two targets have one address, and an initiator uses one of them`,
    );
  }

  private close(index: number): void {
    const [listener] = this.listeners.splice(index, 1);
    if (listener === undefined) return;
    this.options.waiter.remove(listener.socket.fd);
    listener.socket.close();
    if (this.listeners.length > 0) return;
    this.memory?.unmap();
    this.memory = null;
  }

  /** At the end. */
  shut(): void {
    while (this.listeners.length > 0) this.close(0);
  }
}

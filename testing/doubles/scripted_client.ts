// An NBD client for tests, and the world around it: the server under test, a device that answers as it is told, and
// streams in memory that break, stall and trickle on command. All under the virtual clock.

import {
  AGAIN,
  type ByteListener,
  type ByteStream,
  GONE,
  READABLE,
  type WatchList,
  WRITABLE,
} from "../../link/byte_stream.ts";
import type { Memory } from "../../link/link.ts";
import type { Core } from "../../link/loop.ts";
import { runVirtual } from "../../link/virtual_clock.ts";
import type { Device } from "../../initiator/protocol/device.ts";
import { Scripted, type ScriptedOptions } from "./scripted_peer.ts";
import { exportFacts } from "../../initiator/nbd/export_facts.ts";
import { emitInfoRequest, emitOption } from "../../initiator/nbd/handshake.ts";
import {
  CHUNK_ERROR,
  CHUNK_MAGIC,
  CHUNK_NONE,
  CHUNK_OFFSET_DATA,
  OPT_GO,
  OPT_STRUCTURED_REPLY,
  SIMPLE_REPLY_MAGIC,
} from "../../initiator/nbd/protocol.ts";
import { NbdServer } from "../../initiator/nbd/server.ts";
import { emitRequest, REQUEST_BYTES } from "../../initiator/nbd/transmission.ts";

/** The server's end of a connection in memory. */
class MemoryStream implements ByteStream {
  readonly fd: number;
  /** What the server has not read. */
  waiting: Uint8Array = new Uint8Array(0);
  /** What the server has sent. */
  readonly sent: Uint8Array[] = [];
  /** Bytes that the server may still send. */
  room = Infinity;
  /** Most bytes of one call. */
  grain = Infinity;
  /** No more comes behind what is waiting. */
  ended = false;
  /** The other end is gone altogether. */
  broken = false;
  closed = false;

  constructor(fd: number) {
    this.fd = fd;
  }

  receive(memory: Memory, at: number, length: number): number {
    if (this.closed) throw new Error("read after close");
    if (this.broken) return -104;
    const bytes = Math.min(length, this.waiting.length, this.grain);
    if (bytes === 0) return this.ended ? 0 : AGAIN;
    memory.bytes.set(this.waiting.subarray(0, bytes), at);
    this.waiting = this.waiting.subarray(bytes);
    return bytes;
  }

  send(memory: Memory, at: number, length: number): number {
    if (this.closed) throw new Error("written after close");
    if (this.broken) return -32;
    const bytes = Math.min(length, this.room, this.grain);
    if (bytes <= 0) return AGAIN;
    this.sent.push(memory.bytes.slice(at, at + bytes));
    this.room -= bytes;
    return bytes;
  }

  close(): void {
    if (this.closed) throw new Error("closed twice");
    this.closed = true;
  }

  get events(): number {
    return (
      (this.waiting.length > 0 || this.ended || this.broken ? READABLE : 0) |
      (this.room > 0 || this.broken ? WRITABLE : 0) |
      (this.broken ? GONE : 0)
    );
  }
}

/** What poll would be: says of each stream what is so, as long as it is so. */
class Watch implements WatchList {
  readonly watched = new Map<number, { ready: (events: number) => void; events: number }>();
  /** By descriptor: what could be said of it. */
  readonly sources = new Map<number, () => number>();

  add(fd: number, ready: (events: number) => void, events: number = READABLE): void {
    this.watched.set(fd, { ready, events });
  }
  remove(fd: number): void {
    this.watched.delete(fd);
  }
  /** Somebody would be told something. */
  get any(): boolean {
    for (const [fd, { events }] of this.watched) {
      if (((this.sources.get(fd)?.() ?? 0) & (events | GONE)) !== 0) return true;
    }
    return false;
  }
  look(): void {
    for (const [fd, { ready, events }] of [...this.watched]) {
      const now = (this.sources.get(fd)?.() ?? 0) & (events | GONE);
      if (now !== 0) ready(now);
    }
  }
}

export interface WorldOptions extends ScriptedOptions {
  readonly readOnly?: boolean;
  readonly canFlush?: boolean;
  readonly name?: string;
  readonly mostConnections?: number;
}

export class NbdWorld {
  readonly peer: Scripted;
  readonly device: Device;
  readonly server: NbdServer;
  readonly notices: string[] = [];
  readonly watch = new Watch();
  /** Streams that wait to be accepted. */
  readonly backlog: MemoryStream[] = [];
  /** What accepting fails with, once each, before it works again. */
  readonly acceptErrors: number[] = [];
  /** The listener was closed. */
  unlistened = false;
  private readonly core: Core;
  private fds = 100;

  constructor(options: WorldOptions = {}) {
    this.peer = new Scripted(options);
    this.device = this.peer.find();
    const { device, watch, notices } = this;
    const server = new NbdServer({
      core: this.peer.initiator,
      device,
      facts: exportFacts(
        device,
        options.name ?? "disk",
        options.readOnly ?? false,
        options.canFlush ?? true,
      ),
      watchList: watch,
      mostConnections: options.mostConnections ?? 16,
      onNotice: (sentence) => notices.push(sentence),
    });
    this.server = server;
    const listener: ByteListener = {
      fd: 3,
      accept: () => this.acceptErrors.shift() ?? this.backlog.shift() ?? AGAIN,
      close: () => {
        this.unlistened = true;
      },
    };
    watch.sources.set(3, () => (this.backlog.length > 0 ? READABLE : 0));
    server.listen(listener);
    this.core = {
      ports: server.ports,
      begin(now) {
        server.begin(now);
        watch.look();
      },
      advance: (now) => server.advance(now),
      nextDeadline: () => (watch.any ? -Infinity : server.nextDeadline()),
    };
  }

  connect(): NbdClient {
    const stream = new MemoryStream(this.fds++);
    this.watch.sources.set(stream.fd, () => stream.events);
    this.backlog.push(stream);
    return new NbdClient(stream, this);
  }

  /** Runs until `until`; false: nothing more happens within `limit` ns. */
  run(until: () => boolean, limit = 1e9): boolean {
    const { clock } = this.peer;
    return runVirtual([this.core, this.peer], clock, until, clock.now() + limit);
  }

  /** Runs for `ns`, 1 ms unless told. */
  rest(ns = 1e6): void {
    this.run(() => false, ns);
  }

  /** Every stream closed, every command ended, all memory back: throws where it is not. */
  close(): void {
    this.server.stop(this.peer.clock.now());
    this.run(() => this.server.finished, 20e9);
    const pending = this.device.pending;
    this.peer.initiator.close();
    this.rest();
    if (this.server.connections !== 0) throw new Error(`a connection is left (${pending} pending)`);
    this.server.close();
  }
}

export interface Reply {
  readonly cookie: number;
  readonly error: number;
  readonly data: Uint8Array;
  readonly message: string;
  /** Came as a chunk. */
  readonly structured: boolean;
}

class NbdClient {
  readonly stream: MemoryStream;
  private readonly world: NbdWorld;
  /** Bytes of the reply that `take` has given out. */
  private taken = 0;
  private cookie = 1;
  /** Of simple replies to reads. */
  private readonly lengths = new Map<number, number>();

  constructor(stream: MemoryStream, world: NbdWorld) {
    this.stream = stream;
    this.world = world;
  }

  write(...pieces: Uint8Array[]): void {
    this.stream.waiting = Buffer.concat([this.stream.waiting, ...pieces]);
  }

  /** All that the server has sent. */
  get output(): Uint8Array {
    return Buffer.concat(this.stream.sent);
  }

  /** What came since the last `take`. */
  take(): Uint8Array {
    const output = this.output.slice(this.taken);
    this.taken += output.length;
    return output;
  }

  /** Through the handshake by OPT_GO. */
  go(structured = false): this {
    this.write(hello());
    if (structured) this.write(option(OPT_STRUCTURED_REPLY));
    this.write(option(OPT_GO, emitInfoRequest({ name: "", infos: [] })));
    this.world.rest();
    this.take();
    return this;
  }

  /** Sends a request; returns its cookie. */
  request(type: number, offset: number, length: number, flags = 0, data?: Uint8Array): number {
    const cookie = this.cookie++;
    this.lengths.set(cookie, length);
    this.write(request(type, offset, length, flags, cookie));
    if (data !== undefined) this.write(data);
    return cookie;
  }

  /** Sends a request and waits for its reply. */
  ask(type: number, offset: number, length: number, flags = 0, data?: Uint8Array): Reply {
    const cookie = this.request(type, offset, length, flags, data);
    this.world.run(() => this.peek().some((reply) => reply.cookie === cookie), 30e9);
    const found = this.replies().find((reply) => reply.cookie === cookie);
    if (found === undefined) throw new Error(`no reply to ${cookie}`);
    return found;
  }

  /** Replies that are whole since the last time. */
  replies(): Reply[] {
    const { replies, bytes } = this.parse();
    this.taken += bytes;
    return replies;
  }

  private peek(): Reply[] {
    return this.parse().replies;
  }

  private parse(): { replies: Reply[]; bytes: number } {
    const output = this.output.slice(this.taken);
    const view = new DataView(output.buffer, output.byteOffset, output.length);
    const replies: Reply[] = [];
    let at = 0;
    for (;;) {
      if (at + 16 > output.length) break;
      const magic = view.getUint32(at);
      const cookie = view.getUint32(at + 8) * 2 ** 32 + view.getUint32(at + 12);
      if (magic === SIMPLE_REPLY_MAGIC) {
        const error = view.getUint32(at + 4);
        const isRead = this.reads.has(cookie) && error === 0;
        const length = isRead ? (this.lengths.get(cookie) ?? 0) : 0;
        if (at + 16 + length > output.length) break;
        const data = output.slice(at + 16, at + 16 + length);
        replies.push({ cookie, error, data, message: "", structured: false });
        at += 16 + length;
      } else if (magic === CHUNK_MAGIC) {
        if (at + 20 > output.length) break;
        const type = view.getUint16(at + 6);
        const length = view.getUint32(at + 16);
        if (at + 20 + length > output.length) break;
        const payload = output.slice(at + 20, at + 20 + length);
        replies.push(chunk(type, cookie, payload));
        at += 20 + length;
      } else {
        throw new Error(`no reply begins with ${magic.toString(16)}`);
      }
    }
    return { replies, bytes: at };
  }

  /** Cookies whose simple replies carry data. */
  readonly reads = new Set<number>();

  read(offset: number, length: number, flags = 0): Reply {
    this.reads.add(this.cookie);
    return this.ask(0, offset, length, flags);
  }

  startRead(offset: number, length: number): number {
    this.reads.add(this.cookie);
    return this.request(0, offset, length);
  }
}

function chunk(type: number, cookie: number, payload: Buffer | Uint8Array): Reply {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  switch (type) {
    case CHUNK_NONE:
      return { cookie, error: 0, data: new Uint8Array(0), message: "", structured: true };
    case CHUNK_OFFSET_DATA:
      return { cookie, error: 0, data: payload.slice(8), message: "", structured: true };
    case CHUNK_ERROR: {
      const length = view.getUint16(4);
      const message = new TextDecoder().decode(payload.slice(6, 6 + length));
      return {
        cookie,
        error: view.getUint32(0),
        data: new Uint8Array(0),
        message,
        structured: true,
      };
    }
    default:
      throw new Error(`a chunk of type ${type}`);
  }
}

/** The client's handshake flags. */
export function hello(flags = 3): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, flags);
  return bytes;
}

export function option(code: number, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const bytes = new Uint8Array(16 + data.length);
  emitOption(new DataView(bytes.buffer), 0, code, data);
  return bytes;
}

export function request(
  type: number,
  offset: number,
  length: number,
  flags = 0,
  cookie = 1,
): Uint8Array {
  const bytes = new Uint8Array(REQUEST_BYTES);
  emitRequest(new DataView(bytes.buffer), 0, type, flags, cookie, offset, length);
  return bytes;
}

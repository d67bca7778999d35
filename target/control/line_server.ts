// Clients that say one line at a time and are answered one line each, over a Unix socket beside the frames.
//
//   look (each ms, or when a descriptor ended a wait)
//     accept ─▶ client: receive ─▶ whole lines ─▶ handle ─▶ pieces of the answer ─▶ send
//
// Nothing here waits and no step is long: what was not sent goes out at the next look, and a client that
// doesn't read its answer is not read from. Answers keep the order of their requests.
//
// The descriptors only end waits (they are watched without a callback): so a target that is busy with
// frames pays for one look a millisecond, and not for a system call each 20 µs.

import { isUtf8 } from "node:buffer";

import {
  AGAIN,
  type ByteListener,
  type ByteStream,
  READABLE,
  WRITABLE,
} from "../../link/byte_stream.ts";
import { type Mapping, mapMemory } from "../../sys/memory.ts";
import type { Answer, Reply } from "./verbs.ts";

/** Bytes of the longest line. */
export const LONGEST_LINE = 64 * 1024;
/** Clients at one time. */
export const MOST_CLIENTS = 64;
/** Lines of one client, and pieces of its answers, that one look takes. */
const LINES = 16;
const PIECES = 4;
/** Bytes that a client may go on sending after its last answer. */
const MOST_WASTED = 1 << 20;
const NEWLINE = 0x0a;

export interface LineServerOptions {
  readonly listener: ByteListener;
  readonly waiter: {
    add(fd: number, ready: null, events?: number): void;
    remove(fd: number): void;
  };
  /** Answers exactly once, now or later. */
  readonly handle: (line: string, answer: Answer) => void;
}

export class LineServer {
  private readonly options: LineServerOptions;
  private readonly clients = new Set<Client>();
  private readonly memory: Mapping = mapMemory(LONGEST_LINE);

  constructor(options: LineServerOptions) {
    this.options = options;
    options.waiter.add(options.listener.fd, null);
  }

  get count(): number {
    return this.clients.size;
  }

  look(): void {
    const { listener, waiter, handle } = this.options;
    for (let taken = listener.accept(); typeof taken !== "number"; taken = listener.accept()) {
      const client = new Client(taken, this.memory, waiter, handle);
      if (this.clients.size >= 2 * MOST_CLIENTS) {
        client.close();
        continue;
      }
      if (this.clients.size >= MOST_CLIENTS) {
        client.refuse(`This socket has ${MOST_CLIENTS} clients already`);
      }
      this.clients.add(client);
    }
    for (const client of this.clients) {
      client.turn();
      if (client.closed) this.clients.delete(client);
    }
  }

  /** Something that no descriptor tells is to be done: an answer in pieces. */
  get isDue(): boolean {
    for (const client of this.clients) if (client.isDue) return true;
    return false;
  }

  close(): void {
    const { listener, waiter } = this.options;
    for (const client of this.clients) client.close();
    this.clients.clear();
    waiter.remove(listener.fd);
    listener.close();
    this.memory.unmap();
  }
}

class Client {
  closed = false;
  private readonly stream: ByteStream;
  private readonly memory: Mapping;
  private readonly waiter: LineServerOptions["waiter"];
  private readonly handle: LineServerOptions["handle"];
  /** Of a line not yet whole, and whole lines not yet handled. */
  private parts: Uint8Array[] = [];
  private partBytes = 0;
  private readonly lines: Buffer[] = [];
  /** Bytes that have to go out, and where more come from. */
  private out: Uint8Array = EMPTY;
  private sent = 0;
  private source: Iterator<string> | null = null;
  /** An answer is due and not yet begun. */
  private busy = false;
  private ended = false;
  private last = false;
  private wasted = 0;
  private watched = 0;

  constructor(
    stream: ByteStream,
    memory: Mapping,
    waiter: LineServerOptions["waiter"],
    handle: LineServerOptions["handle"],
  ) {
    this.stream = stream;
    this.memory = memory;
    this.waiter = waiter;
    this.handle = handle;
    this.watch();
  }

  get isDue(): boolean {
    return (
      !this.closed &&
      this.sent >= this.out.length &&
      (this.source !== null || (!this.busy && this.lines.length > 0))
    );
  }

  /** Says why, as its last line. */
  refuse(sentence: string): void {
    this.last = true;
    this.lines.length = 0;
    this.source = null;
    this.begin({ ok: false, error: sentence });
  }

  turn(): void {
    if (this.closed) return;
    this.send();
    if (this.last) {
      this.linger();
      return;
    }
    for (let handled = 0; handled < LINES && this.isFree(); handled++) {
      if (this.lines.length === 0) this.receive();
      const bytes = this.lines.shift();
      if (bytes === undefined) break;
      // A name that is not UTF-8 would become another.
      if (!isUtf8(bytes)) {
        this.reply({ ok: false, error: "Expected a line of UTF-8, got other bytes" });
        continue;
      }
      const line = bytes.toString();
      if (line.trim() === "") continue;
      this.busy = true;
      this.handle(line, (reply) => {
        this.busy = false;
        if (!this.closed) this.reply(reply);
      });
    }
    if (this.ended && this.isFree() && this.lines.length === 0) this.finish();
    else this.watch();
  }

  /** Nothing of an answer is left. */
  private isFree(): boolean {
    return !this.closed && !this.busy && this.source === null && this.sent >= this.out.length;
  }

  private reply(reply: Reply): void {
    this.begin(reply);
    this.send();
    this.watch();
  }

  private begin(reply: Reply): void {
    this.sent = 0;
    if ("next" in reply) {
      this.source = reply as Iterator<string>;
      this.out = EMPTY;
    } else {
      this.out = new TextEncoder().encode(`${JSON.stringify(reply)}\n`);
    }
  }

  private send(): void {
    for (let pieces = 0; !this.closed;) {
      if (this.sent >= this.out.length) {
        if (this.source === null || pieces++ === PIECES) break;
        const { done, value } = this.source.next();
        if (done === true) {
          this.source = null;
          break;
        }
        this.out = new TextEncoder().encode(value);
        this.sent = 0;
      }
      const length = Math.min(this.out.length - this.sent, this.memory.bytes.length);
      this.memory.bytes.set(this.out.subarray(this.sent, this.sent + length));
      const went = this.stream.send(this.memory, 0, length);
      if (went === AGAIN) break;
      if (went < 0) this.close();
      else this.sent += went;
    }
  }

  /**
   * Everything is said: what still comes is thrown away until the other end closes, since closing first
   * would turn our last line into a broken connection over there.
   */
  private linger(): void {
    for (let taken = 0; taken < LINES && !this.closed; taken++) {
      const came = this.stream.receive(this.memory, 0, this.memory.bytes.length);
      if (came === AGAIN) break;
      this.wasted += came;
      if (came <= 0 || this.wasted > MOST_WASTED) this.close();
    }
    this.watch();
  }

  private receive(): void {
    while (!this.ended && this.lines.length === 0) {
      const came = this.stream.receive(this.memory, 0, this.memory.bytes.length);
      if (came === AGAIN) return;
      if (came <= 0) {
        this.ended = true;
        return;
      }
      this.cut(this.memory.bytes.slice(0, came));
      if (this.partBytes > LONGEST_LINE) {
        this.refuse(`Expected a line of at most ${LONGEST_LINE} bytes, got more`);
        return;
      }
    }
  }

  private cut(bytes: Uint8Array): void {
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      this.keep(bytes.subarray(start, end));
      this.lines.push(Buffer.concat(this.parts));
      this.parts = [];
      this.partBytes = 0;
      start = end + 1;
    }
    this.keep(bytes.subarray(start));
  }

  private keep(part: Uint8Array): void {
    if (part.length === 0) return;
    this.parts.push(part);
    this.partBytes += part.length;
  }

  /** The client has said all it will. */
  private finish(): void {
    if (this.partBytes > 0) {
      this.parts = [];
      this.partBytes = 0;
      this.reply({
        ok: false,
        error: "Expected the last line to end with a newline, got the end of the stream",
      });
    } else {
      this.close();
    }
  }

  /** While an answer is due a descriptor whose other end is gone would end every wait at once. */
  private watch(): void {
    if (this.closed) return;
    const waits = this.sent < this.out.length;
    const events =
      this.busy || (this.ended && !this.last)
        ? waits
          ? WRITABLE
          : 0
        : waits
          ? WRITABLE
          : READABLE;
    if (events === this.watched) return;
    this.watched = events;
    if (events === 0) this.waiter.remove(this.stream.fd);
    else this.waiter.add(this.stream.fd, null, events);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.waiter.remove(this.stream.fd);
    this.stream.close();
  }
}

const EMPTY = new Uint8Array(0);

// Clients that say one line at a time and are answered one line each, over a Unix socket beside the frames.
//
//   client: receive ─▶ whole lines ─▶ handle ─▶ pieces of the answer ─▶ send       (in steps: clients.ts)
//
// Nothing here waits and no step is long: what was not sent goes out at the next step, and a client that
// doesn't read its answer is not read from. Answers keep the order of their requests.

import { isUtf8 } from "node:buffer";

import {
  AGAIN,
  type ByteListener,
  type ByteStream,
  READABLE,
  WRITABLE,
} from "../../link/byte_stream.ts";
import { type Mapping, mapMemory } from "../../sys/memory.ts";
import { type Client, Clients, type Watched } from "./clients.ts";
import { Outflow } from "./outflow.ts";
import type { Answer, Reply } from "./verbs.ts";

/** Bytes of the longest line. */
export const LONGEST_LINE = 64 * 1024;
/** Clients at one time. */
export const MOST_CLIENTS = 64;
/** Bytes that a client may go on sending after its last answer, and for how long, ns. */
const MOST_WASTED = 1 << 20;
const LONGEST_WASTE = 5e9;
const NEWLINE = 0x0a;

export interface LineServerOptions {
  readonly listener: ByteListener;
  readonly waiter: Watched;
  /** Answers exactly once, now or later. */
  readonly handle: (line: string, answer: Answer) => void;
  /** A sentence for the user. */
  readonly say: (sentence: string) => void;
}

/** Those beyond MOST_CLIENTS, up to twice as many, hear why; others wait to be accepted. */
export function createLineServer(options: LineServerOptions): Clients {
  const { listener, waiter, handle, say } = options;
  const memory = mapMemory(LONGEST_LINE);
  return new Clients({
    listener: {
      ...listener,
      close() {
        listener.close();
        memory.unmap();
      },
    },
    waiter,
    most: 2 * MOST_CLIENTS,
    make(stream, now, count) {
      const client = new LineClient(stream, memory, waiter, handle);
      if (count >= MOST_CLIENTS) {
        client.refuse(`This socket has ${MOST_CLIENTS} clients already`, now);
      }
      return client;
    },
    say,
  });
}

class LineClient implements Client {
  closed = false;
  deadline = Infinity;
  /** A client of this socket may be silent for long, as `top` is between two samples. */
  readonly yieldsAt = Infinity;
  private readonly stream: ByteStream;
  private readonly memory: Mapping;
  private readonly waiter: Watched;
  private readonly handle: LineServerOptions["handle"];
  private readonly out: Outflow;
  /** Received; up to `from` it is taken. */
  private input: Buffer = Buffer.alloc(0);
  private from = 0;
  private hasLine = false;
  /** An answer is due and not yet begun. */
  private busy = false;
  private ended = false;
  private last = false;
  private wasted = 0;
  private watched = 0;

  constructor(
    stream: ByteStream,
    memory: Mapping,
    waiter: Watched,
    handle: LineServerOptions["handle"],
  ) {
    this.stream = stream;
    this.memory = memory;
    this.waiter = waiter;
    this.handle = handle;
    this.out = new Outflow(stream, memory);
    this.watch();
  }

  get isDue(): boolean {
    if (this.closed || this.out.blocked) return false;
    return !this.out.isOver || (this.hasLine && !this.busy && !this.last);
  }

  /** Says why, as its last line. */
  refuse(sentence: string, now: number): void {
    this.last = true;
    this.deadline = now + LONGEST_WASTE;
    this.out.begin(line({ ok: false, error: sentence }));
  }

  step(now: number): boolean {
    if (this.closed) return false;
    let moved = this.send();
    if (this.last) moved = this.linger(now) || moved;
    else if (this.isFree()) moved = this.take(now) || moved;
    this.watch();
    return moved;
  }

  /** Nothing of an answer is left. */
  private isFree(): boolean {
    return !this.closed && !this.busy && this.out.isOver;
  }

  private send(): boolean {
    const moved = this.out.step();
    if (this.out.broken) this.close();
    return moved;
  }

  private reply(reply: Reply): void {
    this.out.begin("next" in reply ? (reply as Iterator<string>) : line(reply));
    this.send();
    this.watch();
  }

  /** Handles one line. False: none is there. */
  private take(now: number): boolean {
    const bytes = this.nextLine();
    if (bytes === null) {
      if (this.ended) this.finish();
      else if (this.input.length - this.from > LONGEST_LINE) this.refuseLine(now);
      return false;
    }
    if (bytes.length > LONGEST_LINE) this.refuseLine(now);
    // A name that is not UTF-8 would become another.
    else if (!isUtf8(bytes)) {
      this.reply({ ok: false, error: "Expected a line of UTF-8, got other bytes" });
    } else {
      const text = bytes.toString();
      if (text.trim() === "") return true;
      this.busy = true;
      this.handle(text, (reply) => {
        this.busy = false;
        if (!this.closed) this.reply(reply);
      });
    }
    return true;
  }

  private refuseLine(now: number): void {
    this.refuse(`Expected a line of at most ${LONGEST_LINE} bytes, got more`, now);
  }

  private nextLine(): Buffer | null {
    if (!this.hasLine) this.receive();
    const end = this.input.indexOf(NEWLINE, this.from);
    if (end < 0) return null;
    const taken = this.input.subarray(this.from, end);
    this.from = end + 1;
    this.hasLine = this.input.includes(NEWLINE, this.from);
    return taken;
  }

  private receive(): void {
    const came = this.stream.receive(this.memory, 0, this.memory.bytes.length);
    if (came === AGAIN) return;
    if (came <= 0) {
      this.ended = true;
      return;
    }
    const rest = this.input.subarray(this.from);
    this.input = Buffer.concat([rest, this.memory.bytes.subarray(0, came)]);
    this.from = 0;
  }

  /**
   * Everything is said: what still comes is thrown away until the other end closes, since closing first
   * would turn our last line into a broken connection over there.
   */
  private linger(now: number): boolean {
    const came = this.stream.receive(this.memory, 0, this.memory.bytes.length);
    if (came > 0) this.wasted += came;
    const over = came <= 0 && came !== AGAIN;
    if (over || this.wasted > MOST_WASTED || now >= this.deadline) this.close();
    return came > 0;
  }

  /** The client has said all it will. */
  private finish(): void {
    const rest = this.input.length - this.from;
    this.from = this.input.length;
    if (rest === 0) this.close();
    else {
      this.reply({
        ok: false,
        error: "Expected the last line to end with a newline, got the end of the stream",
      });
    }
  }

  /** While an answer is due a descriptor whose other end is gone would end every wait at once. */
  private watch(): void {
    if (this.closed) return;
    const reads = !this.busy && (!this.ended || this.last);
    const events = this.out.blocked ? WRITABLE : reads ? READABLE : 0;
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

function line(value: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify(value)}\n`;
}

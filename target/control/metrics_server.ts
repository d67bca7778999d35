// Serves the figures to Prometheus: one GET of /metrics a connection (HTTP/1.1, in chunks; HTTP/1.0, to its end),
// beside the frames and in steps (clients.ts). What a client sends after its request is thrown away.
//
//   request, whole within REQUEST_TIME ─▶ answer, in pieces, each taken within STALL_TIME ─▶ the client closes

import { AGAIN, type ByteStream, READABLE, WRITABLE } from "../../link/byte_stream.ts";
import { listenAtPort } from "../../link/tcp_listener.ts";
import { type Mapping, mapMemory } from "../../sys/memory.ts";
import { environment, Failure } from "../../words/failure.ts";
import type { Listen } from "../config/listen.ts";
import type { Target } from "../protocol/target.ts";
import { type Client, Clients, type Watched } from "./clients.ts";
import { metricsPieces } from "./metrics.ts";
import { Outflow } from "./outflow.ts";

/** Clients at one time. */
export const MOST_SCRAPERS = 16;
/** Bytes of the longest request. */
const LONGEST_REQUEST = 8192;
const REQUEST_TIME = 5e9;
const STALL_TIME = 10e9;
/** What a client may take to close after its answer, ns. */
const LINGER_TIME = 1e9;
/** A client that has not taken of its answer for so long has to make way for the next, ns. */
const SLOW = 250e6;
/** Bytes of a chunk, about. */
const CHUNK = 8192;

export interface MetricsServer {
  /** With the port that the kernel chose where 0 was asked for. */
  readonly url: string;
  readonly clients: Clients;
}

export interface MetricsOptions {
  readonly listen: Listen;
  /** The numeric form of its host. */
  readonly address: string;
  readonly target: Target;
  readonly waiter: Watched;
  readonly say: (sentence: string) => void;
}

/** Throws an environment failure where it can't listen. */
export function serveMetrics(options: MetricsOptions): MetricsServer {
  const { listen, address, target, waiter, say } = options;
  const { host, port } = listen;
  let listener: ReturnType<typeof listenAtPort>;
  try {
    listener = listenAtPort(address, port);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw environment(`Can't serve metrics on ${host}:${port}: ${error.message}`);
  }
  const memory = mapMemory(LONGEST_REQUEST);
  const clients = new Clients({
    listener: {
      ...listener,
      close() {
        listener.close();
        memory.unmap();
      },
    },
    waiter,
    most: MOST_SCRAPERS,
    make: (stream, now) => new Scraper(stream, memory, waiter, target, now),
    say: (sentence) => say(`metrics: ${sentence}`),
  });
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${listener.port}/metrics`,
    clients,
  };
}

class Scraper implements Client {
  closed = false;
  deadline: number;
  yieldsAt: number;
  private readonly stream: ByteStream;
  private readonly memory: Mapping;
  private readonly waiter: Watched;
  private readonly target: Target;
  private readonly out: Outflow;
  private request = "";
  /** The answer ends with the connection. */
  private closes = false;
  private answered = false;
  private watched = 0;

  constructor(stream: ByteStream, memory: Mapping, waiter: Watched, target: Target, now: number) {
    this.stream = stream;
    this.memory = memory;
    this.waiter = waiter;
    this.target = target;
    this.out = new Outflow(stream, memory);
    this.deadline = now + REQUEST_TIME;
    this.yieldsAt = now;
    this.watch();
  }

  get isDue(): boolean {
    return !this.closed && !this.out.isOver && !this.out.blocked;
  }

  step(now: number): boolean {
    if (this.closed) return false;
    const moved = this.out.isOver ? this.hear(now) : this.say(now);
    if (now >= this.deadline) this.close();
    this.watch();
    return moved;
  }

  private say(now: number): boolean {
    const moved = this.out.step();
    if (moved) {
      this.deadline = now + STALL_TIME;
      this.yieldsAt = now + SLOW;
    }
    if (this.out.isOver) {
      this.deadline = now + LINGER_TIME;
      this.yieldsAt = now;
    }
    if (this.out.broken || (this.out.isOver && this.closes)) this.close();
    return moved;
  }

  private hear(now: number): boolean {
    const came = this.stream.receive(this.memory, 0, this.memory.bytes.length);
    if (came === AGAIN) return false;
    if (came <= 0) {
      this.close();
      return true;
    }
    if (this.answered) return true;
    this.request += Buffer.from(this.memory.bytes.subarray(0, came)).toString("latin1");
    if (/\r?\n\r?\n/.test(this.request)) this.answer(now);
    else if (this.request.length >= LONGEST_REQUEST) this.close();
    return true;
  }

  private answer(now: number): void {
    const match = /^(\S+) (\S+) HTTP\/1\.([01])\r?\n/.exec(this.request);
    const [, method = "", target = "", minor = "0"] = match ?? [];
    this.closes = minor === "0";
    this.answered = true;
    this.deadline = now + STALL_TIME;
    this.yieldsAt = now + SLOW;
    const [path = ""] = target.split("?");
    if (match === null) this.out.begin(short("400 Bad Request", "Only HTTP is spoken here.\n"));
    else if (path !== "/metrics" && path !== "/") {
      this.out.begin(short("404 Not Found", "Only /metrics is here.\n"));
    } else if (method !== "GET" && method !== "HEAD") {
      this.out.begin(
        short("405 Method Not Allowed", "Only GET is served.\n", "allow: GET, HEAD\r\n"),
      );
    } else this.out.begin(figures(this.target, method === "HEAD", !this.closes));
  }

  private watch(): void {
    if (this.closed) return;
    const events = this.out.blocked ? WRITABLE : READABLE;
    if (events === this.watched) return;
    this.watched = events;
    this.waiter.add(this.stream.fd, null, events);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.waiter.remove(this.stream.fd);
    this.stream.close();
  }
}

function head(status: string, more: string): string {
  return `HTTP/1.1 ${status}\r\n${more}connection: close\r\n\r\n`;
}

function short(status: string, body: string, more = ""): string {
  return (
    head(status, `content-type: text/plain\r\ncontent-length: ${body.length}\r\n${more}`) + body
  );
}

function* figures(target: Target, headOnly: boolean, chunked: boolean): Generator<string> {
  const type = "content-type: text/plain; version=0.0.4; charset=utf-8\r\n";
  yield head("200 OK", chunked ? `${type}transfer-encoding: chunked\r\n` : type);
  if (headOnly) return;
  let text = "";
  for (const piece of metricsPieces(target)) {
    text += piece;
    if (text.length < CHUNK) continue;
    yield chunk(text, chunked);
    text = "";
  }
  if (text !== "") yield chunk(text, chunked);
  if (chunked) yield "0\r\n\r\n";
}

function chunk(text: string, chunked: boolean): string {
  return chunked ? `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n` : text;
}

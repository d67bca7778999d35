// The controller's end of a session: orders and their answers, what happens to the processes there,
// and whether the host still answers. Time and the channel come in.
//
//   ask(order)  ─▶ the answer; a Failure where the order was refused or the host is lost
//   start(…)    ─▶ a process there: its lines of standard error, and its exit
//   tick()      ─▶ renews the lease, and calls the host lost after 10 s without an answer

import { EXIT, failed, Failure } from "../../words/failure.ts";
import { type ClockEstimate, estimateClock, type RoundTrip } from "./clock_offset.ts";
import {
  type Answer,
  type ExitEvent,
  type HostEvent,
  LEASE,
  type Order,
  readReply,
  RENEWAL,
} from "./host_orders.ts";

export interface Channel {
  write(text: string): void;
  /** Closes our end of stdin, so that the host side ends. */
  end(): void;
}

/** A process on a host. */
export interface Remote {
  readonly exit: Promise<ExitEvent>;
  /** All that it has said on standard error, a line each. */
  readonly lines: readonly string[];
  /** Resolves when a line is this one. */
  until(line: string): Promise<void>;
}

interface Pending {
  resolve(answer: unknown): void;
  reject(failure: Failure): void;
}

const ROUND_TRIPS = 16;

export class HostSession {
  /** Its name in the job. */
  readonly name: string;
  /** Resolves with the sentence once the host is lost or has ended. */
  readonly lost: Promise<Failure>;
  private readonly channel: Channel;
  private readonly now: () => number;
  private readonly say: (sentence: string) => void;
  private readonly pending = new Map<number, Pending>();
  private readonly processes = new Map<string, Process>();
  private nextId = 1;
  private heardAt: number;
  private renewedAt: number;
  private failure: Failure | null = null;
  private tellLost: (failure: Failure) => void = () => {};

  constructor(name: string, channel: Channel, now: () => number, say: (sentence: string) => void) {
    this.name = name;
    this.channel = channel;
    this.now = now;
    this.say = say;
    this.heardAt = now();
    this.renewedAt = this.heardAt;
    this.lost = new Promise((resolve) => (this.tellLost = resolve));
  }

  get isLost(): boolean {
    return this.failure !== null;
  }

  ask(order: Order): Promise<unknown> {
    if (this.failure !== null) return Promise.reject(this.failure);
    const id = this.nextId++;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
    });
    this.channel.write(`${JSON.stringify({ id, ...order })}\n`);
    return answer;
  }

  /** How its clock stands to ours, by round trips one after another. */
  async clock(): Promise<ClockEstimate> {
    const trips: RoundTrip[] = [];
    for (let trip = 0; trip < ROUND_TRIPS; trip++) {
      const sent = this.now();
      const at = await this.ask({ order: "clock" });
      if (typeof at === "number") trips.push({ sent, at, received: this.now() });
    }
    const estimate = estimateClock(trips);
    if (estimate === null) throw failed(`${this.name}: its clock can't be read`);
    return estimate;
  }

  /** `reads`: a file that it leaves, told with its exit. */
  async start(name: string, words: readonly string[], reads: string | null): Promise<Remote> {
    const process = new Process();
    this.processes.set(name, process);
    await this.ask({ order: "start", name, words: [...words], reads });
    return process;
  }

  /** A line from the host. */
  take(line: string): void {
    const reply = readReply(line);
    if (reply === null) return;
    this.heardAt = this.now();
    if ("event" in reply) this.happened(reply);
    else this.answered(reply);
  }

  tick(): void {
    const now = this.now();
    if (this.failure !== null) return;
    if (now - this.heardAt >= LEASE) {
      this.lose(failed(`${this.name}: nothing heard for 10 s; what ran there ends by itself`));
      return;
    }
    if (now - this.renewedAt < RENEWAL) return;
    this.renewedAt = now;
    // Its loss is told by `lost`.
    this.ask({ order: "renew" }).catch(() => {});
  }

  /** Nothing comes from it any more. */
  lose(failure: Failure): void {
    if (this.failure !== null) return;
    this.failure = failure;
    this.channel.end();
    for (const { reject } of this.pending.values()) reject(failure);
    this.pending.clear();
    for (const process of this.processes.values()) process.lose(failure);
    this.tellLost(failure);
  }

  private answered({ id, answer, failure, code = EXIT.failed }: Answer): void {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    if (failure === undefined) pending?.resolve(answer);
    else pending?.reject(new Failure(`${this.name}: ${failure}`, code));
  }

  private happened(event: HostEvent): void {
    if (event.event === "say") this.say(`${this.name}: ${event.text}`);
    if (event.event === "line") this.processes.get(event.name)?.said(event.text);
    if (event.event === "exit") this.processes.get(event.name)?.ended(event);
  }
}

class Process implements Remote {
  readonly lines: string[] = [];
  readonly exit: Promise<ExitEvent>;
  private readonly waiting = new Map<string, () => void>();
  private resolve: (event: ExitEvent) => void = () => {};
  private reject: (failure: Failure) => void = () => {};

  constructor() {
    this.exit = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Who starts a process may look at its end later, or never.
    this.exit.catch(() => {});
  }

  until(line: string): Promise<void> {
    if (this.lines.includes(line)) return Promise.resolve();
    return new Promise((resolve) => this.waiting.set(line, resolve));
  }

  said(line: string): void {
    this.lines.push(line);
    this.waiting.get(line)?.();
  }

  ended(event: ExitEvent): void {
    this.resolve(event);
  }

  lose(failure: Failure): void {
    this.reject(failure);
  }
}

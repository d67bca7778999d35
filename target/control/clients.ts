// Clients of one listener beside the frames: accepted, served in turn, disconnected. What they cost at a time is bounded,
// whatever they send: frames come first.
//
//   look ─ accept, as long as there is a place ─▶ a step of each client in turn ─▶ … until nobody has
//          anything to do, or LONGEST_LOOK is over: who comes next has the first step of the next look
//
// A step is small: a request at most, or a piece of an answer. The descriptors only end waits (they are watched without
// a callback), so a target that is busy with frames pays for one look a millisecond.

import { AGAIN, type ByteListener, type ByteStream } from "../../link/byte_stream.ts";
import { describeErrno } from "../../sys/errno.ts";

/** ns. A step that has begun goes on to its end. */
export const LONGEST_LOOK = 150e3;
/** How long nobody is accepted after the system had no descriptor for it, ns. */
const ACCEPT_AGAIN = 100e6;

/** The part of a PollWaiter that clients need. */
export interface Watched {
  now(): number;
  add(fd: number, ready: null, events?: number): void;
  remove(fd: number): void;
}

export interface Client {
  readonly closed: boolean;
  /** Something is to be done that its descriptor does not tell. */
  readonly isDue: boolean;
  /** When it must be looked at though nothing comes, ns. */
  readonly deadline: number;
  /** From when on another may have its place, ns: nothing is owed to it, or it does not take it. */
  readonly yieldsAt: number;
  /** Does a little; false: there was nothing to do. */
  step(now: number): boolean;
  close(): void;
}

export interface ClientsOptions {
  readonly listener: ByteListener;
  readonly waiter: Watched;
  /** Clients at a time. The next one gets the place of one that yields it, or waits to be accepted. */
  readonly most: number;
  readonly make: (stream: ByteStream, now: number, count: number) => Client;
  /** A sentence for the user, once. */
  readonly say: (sentence: string) => void;
}

export class Clients {
  private readonly options: ClientsOptions;
  private readonly clients: Client[] = [];
  /** Whose step is next. */
  private next = 0;
  /** The last look ended because its time was over. */
  private cut = false;
  private acceptAt = -Infinity;
  private listening = false;
  private told = false;

  constructor(options: ClientsOptions) {
    this.options = options;
    this.listen();
  }

  get count(): number {
    return this.clients.length;
  }

  /** Something that no descriptor tells is to be done now. */
  get isDue(): boolean {
    if (this.cut) return true;
    for (const client of this.clients) if (client.isDue) return true;
    return false;
  }

  /** When something is to be done though nothing comes, ns. */
  nextDeadline(): number {
    let next = this.listening ? Infinity : Math.max(this.acceptAt, this.placeAt());
    for (const { deadline } of this.clients) next = Math.min(next, deadline);
    return next;
  }

  look(): void {
    const { clients } = this;
    const { now } = this.options.waiter;
    let at = now();
    const until = at + LONGEST_LOOK;
    this.accept(at);
    let idle = 0;
    for (; idle < clients.length && at < until; at = now()) {
      if (this.next >= clients.length) this.next = 0;
      const client = clients[this.next] as Client;
      idle = client.step(at) ? 0 : idle + 1;
      if (client.closed) clients.splice(this.next, 1);
      else this.next++;
    }
    this.cut = idle < clients.length;
    this.listen();
  }

  /** Where no place is left one at a time, so that whom it replaces has had its step. */
  private accept(now: number): void {
    const { clients } = this;
    const { listener, make, most } = this.options;
    if (now < this.acceptAt) return;
    for (let left = Math.max(1, most - clients.length); left > 0; left--) {
      const full = clients.length >= most;
      if (full && this.placeAt() > now) return;
      const stream = listener.accept();
      if (typeof stream === "number") {
        if (stream !== AGAIN) this.pause(now, -stream);
        return;
      }
      if (full) this.drop(clients.findIndex(({ yieldsAt }) => yieldsAt === this.placeAt()));
      clients.push(make(stream, now, clients.length));
    }
  }

  /** A client that connects meanwhile would end every wait at once. */
  private pause(now: number, code: number): void {
    this.acceptAt = now + ACCEPT_AGAIN;
    if (!this.told) this.options.say(`can't accept a client: ${describeErrno(code)}`);
    this.told = true;
  }

  private drop(at: number): void {
    this.clients[at]?.close();
    this.clients.splice(at, 1);
    if (at < this.next) this.next--;
  }

  /** When there is a place for one more, ns. */
  private placeAt(): number {
    if (this.clients.length < this.options.most) return -Infinity;
    return this.clients.reduce((first, { yieldsAt }) => Math.min(first, yieldsAt), Infinity);
  }

  /** The listener is watched while somebody could be accepted. */
  private listen(): void {
    const { listener, waiter } = this.options;
    const wanted = Math.max(this.acceptAt, this.placeAt()) <= waiter.now();
    if (wanted === this.listening) return;
    this.listening = wanted;
    if (wanted) waiter.add(listener.fd, null);
    else waiter.remove(listener.fd);
  }

  close(): void {
    const { listener, waiter } = this.options;
    for (const client of this.clients) client.close();
    this.clients.length = 0;
    this.cut = false;
    if (this.listening) waiter.remove(listener.fd);
    listener.close();
  }
}

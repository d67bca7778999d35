// Serves a device to NBD clients: an initiator's core, with clients beside its frames.
//
//   iteration ─▶ frames in ─▶ done ─▶ replies out ─▶ requests in ─▶ frames out ─▶ replies out
//
// Streams are touched only within `advance`, when they have said that there is something to do, so one
// iteration of the loop answers frames and clients alike and no client costs anything while it is silent.
//
// Several connections are one view of one device: a write is answered when the target has
// answered it, every read goes to the target, nothing is cached between, and a flush is the target's own for
// the whole export. So what a client was told is written is seen and flushed through any other
// connection, which is what CAN_MULTI_CONN promises.

import { type AddressedMemory, addressedMemory } from "../../link/addressed_memory.ts";
import {
  AGAIN,
  type ByteListener,
  type ByteStream,
  type WatchList,
} from "../../link/byte_stream.ts";
import type { Core, Port } from "../../link/loop.ts";
import { SECTOR } from "../../wire/ata.ts";
import { Told } from "../../words/told.ts";
import type { Device } from "../protocol/device.ts";
import { Connection } from "./connection.ts";
import type { ExportFacts } from "./handshake.ts";
import type { ConnectionHost, NbdCounters } from "./host.ts";

/** What a client may take for its handshake, ns: it occupies a place meanwhile. */
export const HANDSHAKE_TIME = 10e9;
/** What is in hand at the end may take this long, ns. */
export const STOP_TIME = 5e9;
/** How long no one is accepted after the system had no descriptor for it, ns. */
const ACCEPT_AGAIN = 100e6;
/** Connections served in one go: what they may move (connection.ts) is at most so long between two looks at frames. */
export const MOST_SERVED = 4;
/** A request to write zeroes is cut into commands of this many bytes. */
const ZERO_BYTES = 1 << 20;

export interface NbdServerOptions {
  readonly core: Core;
  readonly device: Device;
  readonly facts: ExportFacts;
  readonly watchList: WatchList;
  /** Clients served at one time; others wait to be accepted. */
  readonly mostConnections: number;
  /** A sentence for the user. */
  readonly onNotice: (sentence: string) => void;
}

interface Client {
  readonly connection: Connection;
  readonly handshakeBy: number;
}

export class NbdServer implements Core, ConnectionHost {
  readonly ports: readonly Port[];
  readonly device: Device;
  /** What clients are told from now on; a device may be resized. */
  facts: ExportFacts;
  readonly watchList: WatchList;
  readonly zeroes: AddressedMemory = addressedMemory(ZERO_BYTES);
  readonly counters: NbdCounters = {
    connections: 0,
    reads: 0,
    writes: 0,
    zeroes: 0,
    flushes: 0,
    readBytes: 0,
    writtenBytes: 0,
    refused: 0,
    failed: 0,
    broken: 0,
  };
  stopping = false;
  private readonly core: Core;
  private readonly mostConnections: number;
  private readonly told: Told;
  private readonly clients: Client[] = [];
  /** Connections with something to do, the first `markedCount`. */
  private readonly marked: Connection[] = [];
  private markedCount = 0;
  private listener: ByteListener | null = null;
  private listening = false;
  private knocked = false;
  private acceptAt = Infinity;
  private stopBy = Infinity;
  /** The earliest end of a handshake. */
  private handshakeBy = Infinity;

  constructor(options: NbdServerOptions) {
    this.core = options.core;
    this.ports = options.core.ports;
    this.device = options.device;
    this.facts = options.facts;
    this.watchList = options.watchList;
    this.mostConnections = options.mostConnections;
    this.told = new Told(options.onNotice);
  }

  /** Accepts clients from now on; the listener is the server's. */
  listen(listener: ByteListener): void {
    this.listener = listener;
    this.watchListener();
  }

  /** Serves a client that somebody has accepted. */
  adopt(stream: ByteStream, now: number): Connection {
    const connection = new Connection(this, stream, ++this.counters.connections);
    const handshakeBy = now + HANDSHAKE_TIME;
    this.clients.push({ connection, handshakeBy });
    this.handshakeBy = Math.min(this.handshakeBy, handshakeBy);
    return connection;
  }

  get connections(): number {
    return this.clients.length;
  }

  /** Takes no more clients and no more requests; what is in hand is answered, for at most STOP_TIME. */
  stop(now: number): void {
    if (this.stopping) return;
    this.stopping = true;
    this.stopBy = now + STOP_TIME;
    if (this.listener !== null) {
      this.watchList.remove(this.listener.fd);
      this.listener.close();
      this.listener = null;
    }
    for (const { connection } of this.clients) connection.shutdown();
  }

  /** Stopped, and nobody is left who waits for an answer. */
  get finished(): boolean {
    return this.stopping && (this.clients.length === 0 || this.stopBy === -Infinity);
  }

  /** After the device has ended every command. */
  close(): void {
    for (const { connection } of this.clients) {
      connection.abandon(null);
      if (connection.over) connection.dispose();
    }
    this.clients.length = 0;
    this.zeroes.unmap();
  }

  // ── Core ──────────────────────────────────────────────────────────────────────────────────────

  begin(now: number): void {
    this.core.begin(now);
  }

  advance(now: number): void {
    if (this.knocked || this.acceptAt <= now) this.accept(now);
    this.serve();
    this.core.advance(now);
    this.follow(now);
    this.serve();
    if (this.handshakeBy <= now) this.endHandshakes(now);
    if (this.stopBy <= now) this.giveUp();
  }

  /** Another disk is not served, and another size is. */
  private follow(now: number): void {
    const { device } = this;
    const size = device.sectors * SECTOR;
    if (device.gone) this.stop(now);
    else if (size !== this.facts.size) this.facts = { ...this.facts, size };
  }

  nextDeadline(): number {
    if (this.markedCount > 0 || this.knocked) return -Infinity;
    return Math.min(this.core.nextDeadline(), this.acceptAt, this.handshakeBy, this.stopBy);
  }

  // ── What connections ask ──────────────────────────────────────────────────────────────────────

  mark(connection: Connection): void {
    if (connection.marked) return;
    connection.marked = true;
    this.marked[this.markedCount++] = connection;
  }

  notice(kind: string, sentence: string): void {
    this.told.tell(kind, sentence);
  }

  /** Serves those who are marked now, the first MOST_SERVED; all others have their turn later, after frames. */
  private serve(): void {
    const count = Math.min(this.markedCount, MOST_SERVED);
    if (count === 0) return;
    for (let index = 0; index < count; index++) {
      const connection = this.marked[index] as Connection;
      connection.marked = false;
      if (!connection.over) connection.serve();
      if (connection.over) this.dismiss(connection);
    }
    const more = this.markedCount - count;
    for (let index = 0; index < more; index++) {
      this.marked[index] = this.marked[count + index] as Connection;
    }
    this.markedCount = more;
  }

  private dismiss(connection: Connection): void {
    const index = this.clients.findIndex((client) => client.connection === connection);
    // It may have marked itself while it ended.
    if (index < 0) return;
    this.clients.splice(index, 1);
    connection.dispose();
    this.watchListener();
  }

  // ── Accepting ─────────────────────────────────────────────────────────────────────────────────

  private readonly knock = (): void => {
    this.knocked = true;
  };

  /** The listener is watched while there is a place: those who find none wait in its backlog. */
  private watchListener(): void {
    const { listener } = this;
    if (listener === null) return;
    const wanted = this.clients.length < this.mostConnections && this.acceptAt === Infinity;
    if (wanted === this.listening) return;
    this.listening = wanted;
    if (wanted) this.watchList.add(listener.fd, this.knock);
    else this.watchList.remove(listener.fd);
  }

  private accept(now: number): void {
    this.knocked = false;
    this.acceptAt = Infinity;
    while (this.listener !== null && this.clients.length < this.mostConnections) {
      const stream = this.listener.accept();
      if (typeof stream !== "number") {
        this.adopt(stream, now);
        continue;
      }
      if (stream !== AGAIN) {
        this.notice("accept", `Can't accept an NBD client (errno ${-stream})`);
        this.acceptAt = now + ACCEPT_AGAIN;
      }
      break;
    }
    this.watchListener();
  }

  // ── Time ──────────────────────────────────────────────────────────────────────────────────────

  private endHandshakes(now: number): void {
    this.handshakeBy = Infinity;
    for (const { connection, handshakeBy } of this.clients) {
      if (!connection.negotiating) continue;
      if (handshakeBy <= now) connection.abandon("did not finish its handshake");
      else this.handshakeBy = Math.min(this.handshakeBy, handshakeBy);
    }
  }

  private giveUp(): void {
    this.stopBy = -Infinity;
    for (const { connection } of this.clients) {
      connection.abandon("did not take its last answers, or the target did not give them");
    }
  }
}

// One client: bytes in, commands to the device, replies out. It makes no decision about time, and reads
// or writes its stream only when the server says so.
//
//   stream ─▶ input ─▶ negotiation ─▶ request ─▶ (payload ─▶) slot ─ submit ─▶ device
//   stream ◀─────────────── replies, in the order of their ends ◀── slot ◀─ done ─┘
//
// A slot is one request: its command, its buffer, its reply, used again for ever. At most MOST_REQUESTS
// of them, and the bytes of their buffers within a budget: a client that sends more is not read until
// replies have gone, and a client that does not read its replies thereby stops being read. When the client is
// gone its requests stay the device's until they end, and so does their memory; only then is it given back.
//
// In steady state a request allocates nothing; a failure allocates its sentence.
//
// The file is long because all of it turns on one state: what was received, what is owed, who still listens.

import { copyMemory } from "../../link/copy_memory.ts";
import { AGAIN, type ByteStream, GONE, READABLE, WRITABLE } from "../../link/byte_stream.ts";
import { type Command, OK } from "../protocol/command.ts";
import { describeOutcome } from "../protocol/describe.ts";
import { DATA_AT, NO_MEMORY, NO_ROOM } from "./buffers.ts";
import { errorOf } from "./errors.ts";
import { Negotiation, REPLY_ROOM } from "./negotiation.ts";
import { CMD_DISC, CMD_READ, CMD_WRITE } from "./protocol.ts";
import { checkRequest, OUT_OF_MEMORY, SHUTDOWN } from "./request_check.ts";
import { MORE, Replies } from "./replies.ts";
import { firstCommand, nextCommand } from "./request_commands.ts";
import { type ConnectionHost, countRequest } from "./host.ts";
import { fillSlot, memoryOf, type Slot, SlotStock } from "./slot.ts";
import { StreamBuffer } from "./stream_buffer.ts";
import {
  isRequest,
  REQUEST_BYTES,
  requestFlags,
  requestLength,
  requestOffset,
  requestType,
} from "./transmission.ts";

const INPUT_BYTES = 65_536;
/** Reads of the stream in one go, and their bytes, so that no client keeps frames and the others waiting. */
const MOST_READS = 16;
const MOST_READ = 256 * 1024;
/** A payload's rest above this goes straight to its place, and not through the input. */
const DIRECT_BYTES = 4096;

const REQUEST = 0;
const PAYLOAD = 1;
/** The payload of a write that was refused. */
const SKIP = 2;

export class Connection {
  /** The server's: `serve` is due. */
  marked = false;
  /** Requests that the device has. */
  pending = 0;
  private readonly host: ConnectionHost;
  private readonly stream: ByteStream;
  private readonly number: number;
  private readonly input = new StreamBuffer(INPUT_BYTES);
  private handshakeOutput: StreamBuffer | null = new StreamBuffer(2 * REPLY_ROOM);
  private negotiation: Negotiation | null;
  private readonly stock: SlotStock;
  private readonly replies: Replies;
  private state = REQUEST;
  private current: Slot | null = null;
  private readable = false;
  /** The stream took less than it was given: wait until it says that it is writable. */
  private blocked = false;
  /** No slot, no memory, or no room for a handshake's replies. */
  private stalled = false;
  /** Nothing more is read; what was read is still looked at. */
  private deaf = false;
  /** Nothing more is begun; it ends when all is answered. */
  private ending = false;
  /** The stream is closed. */
  private gone = false;
  /** READABLE and WRITABLE as the stream is watched; -1: it is not. */
  private interest = -1;
  private heard = false;
  private readonly ready: (events: number) => void;

  constructor(host: ConnectionHost, stream: ByteStream, number: number) {
    this.host = host;
    this.stream = stream;
    this.number = number;
    this.negotiation = new Negotiation(host.facts);
    this.ready = (events) => this.told(events);
    this.stock = new SlotStock((command) => this.ended(command));
    this.replies = new Replies(this.stock);
    this.negotiation.greet(this.handshakeOutput as StreamBuffer);
    host.mark(this);
  }

  /** Still in the handshake. */
  get negotiating(): boolean {
    return this.negotiation !== null && !this.ending;
  }

  /** Nothing of it is left but memory: no stream, and no request at the device. */
  get over(): boolean {
    return this.gone && this.pending === 0;
  }

  /** Does what there is to do: sends, reads, submits. */
  serve(): void {
    this.flush();
    if (this.readable || this.stalled) this.receive();
    // A reply to what was refused, or the end of the handshake.
    this.flush();
    if (this.gone) return;
    this.watch();
    if (this.stalled && this.stock.freed) this.host.mark(this);
  }

  /** Gives the memory back; nothing may be called any more. */
  dispose(): void {
    if (!this.over) throw new Error("invariant: a connection's memory outlives its requests");
    this.input.unmap();
    this.handshakeOutput?.unmap();
    this.handshakeOutput = null;
    this.stock.close();
  }

  /** No more is read; what is in hand is answered. */
  shutdown(): void {
    if (this.ending || this.gone) return;
    if (this.negotiation !== null) {
      this.ending = true;
    } else {
      // Requests that are on their way are told that it is over.
      this.receive();
      this.deaf = true;
      this.receive();
    }
    this.host.mark(this);
  }

  /** Ends without an answer; `kind`: `why` without what differs from client to client. */
  abandon(why: string | null, kind = why ?? ""): void {
    if (this.gone) return;
    if (why !== null) {
      this.host.counters.broken++;
      this.host.notice(kind, `NBD client ${this.number} ${why}`);
    }
    this.gone = true;
    this.ending = true;
    this.dropCurrent();
    this.host.watchList.remove(this.stream.fd);
    this.stream.close();
    this.replies.clear();
    this.host.mark(this);
  }

  // ── The stream ────────────────────────────────────────────────────────────────────────────────

  private told(events: number): void {
    if ((events & READABLE) !== 0) this.readable = true;
    if ((events & (WRITABLE | GONE)) !== 0) this.blocked = false;
    // A client that still reads learns it from the stream's end, behind the last bytes.
    if ((events & GONE) !== 0 && (this.interest & READABLE) === 0) this.lost();
    this.host.mark(this);
  }

  /** The other end is not there any more. */
  private lost(): void {
    const inHand = this.pending + this.replies.size + (this.current === null ? 0 : 1);
    const requests = inHand === 1 ? "a request" : `${inHand} requests`;
    if (inHand > 0) this.abandon(`went away with ${requests} in hand`, "went away");
    else if (this.ending || this.negotiation !== null) this.abandon(null);
    else this.abandon("went away before it had read all its answers");
  }

  private receive(): void {
    if (this.gone) return;
    if (this.stalled) this.resume();
    this.readable = false;
    if (this.deaf && !this.stalled && !this.ending) this.endInput();
    let left = MOST_READ;
    for (let reads = 0; reads < MOST_READS && left > 0; reads++) {
      if (this.ending || this.deaf || this.stalled) return;
      const { input, current } = this;
      const rest =
        this.state === PAYLOAD && current !== null ? current.length - current.progress : 0;
      const direct = rest > DIRECT_BYTES && input.size === 0;
      let asked = rest;
      let taken: number;
      if (direct && current !== null) {
        const memory = memoryOf(current);
        asked = Math.min(rest, left);
        taken = this.stream.receive(memory, DATA_AT + current.progress, asked);
        if (taken > 0) current.progress += taken;
      } else {
        input.compact();
        asked = input.room;
        taken = input.fill(this.stream);
      }
      if (taken === AGAIN) return;
      if (taken < 0) {
        this.lost();
        return;
      }
      if (taken === 0) {
        this.endInput();
        return;
      }
      this.heard = true;
      left -= taken;
      this.parse();
      // Fewer than there was room for: no more is there, and asking again would say so.
      if (taken < asked) return;
    }
  }

  private resume(): void {
    this.stalled = false;
    this.stock.freed = false;
    this.parse();
  }

  /** The client sends no more: what it has whole is answered, what it has begun is dropped. */
  private endInput(): void {
    const { input, current, host } = this;
    const cut =
      current !== null
        ? `${current.progress} of ${current.length} bytes of a write's data`
        : input.size > 0
          ? `${input.size} bytes of the next message`
          : this.negotiation !== null && this.heard
            ? "the handshake unfinished"
            : null;
    if (cut !== null && !host.stopping) {
      host.counters.broken++;
      host.notice("cut", `NBD client ${this.number} ended in the middle: ${cut}`);
    }
    this.dropCurrent();
    this.ending = true;
  }

  private dropCurrent(): void {
    const { current } = this;
    this.current = null;
    this.state = REQUEST;
    if (current !== null) this.stock.give(current);
  }

  private flush(): void {
    if (this.gone || this.blocked) return;
    const { handshakeOutput } = this;
    if (handshakeOutput !== null) {
      const left = handshakeOutput.drain(this.stream);
      this.stock.freed = true;
      if (left === AGAIN) {
        this.blocked = true;
        return;
      }
      if (left < 0) {
        this.lost();
        return;
      }
      if (this.negotiation === null) {
        handshakeOutput.unmap();
        this.handshakeOutput = null;
      }
    }
    const left = this.replies.send(this.stream);
    if (left === AGAIN) this.blocked = true;
    else if (left === MORE) this.host.mark(this);
    else if (left < 0) this.lost();
  }

  /** Watches for what it waits for; ends where nothing is left. */
  private watch(): void {
    const drained =
      this.replies.size === 0 && (this.handshakeOutput === null || this.handshakeOutput.size === 0);
    if (this.ending && drained && this.pending === 0) {
      this.abandon(null);
      return;
    }
    const wanted =
      (this.ending || this.deaf || this.stalled ? 0 : READABLE) | (this.blocked ? WRITABLE : 0);
    if (wanted === this.interest) return;
    // Where nothing is wanted it is watched too: that the client is gone is said without being asked for.
    this.interest = wanted;
    this.host.watchList.add(this.stream.fd, this.ready, wanted);
  }

  // ── Messages ──────────────────────────────────────────────────────────────────────────────────

  private parse(): void {
    if (this.negotiation !== null && !this.negotiate(this.negotiation)) return;
    while (!this.gone && !this.stalled) {
      const { current } = this;
      if (current === null) {
        if (this.ending || !this.beginRequest()) return;
      } else if (!this.takePayload(current)) {
        return;
      }
    }
  }

  /** False: requests don't follow yet. */
  private negotiate(negotiation: Negotiation): boolean {
    const output = this.handshakeOutput as StreamBuffer;
    negotiation.stopping = this.host.stopping;
    const progress = negotiation.step(this.input, output);
    switch (progress) {
      case "waiting":
        output.compact();
        this.stalled = output.room < REPLY_ROOM;
        return false;
      case "transmission":
        this.replies.structured = negotiation.structured;
        this.negotiation = null;
        return true;
      case "abort":
        this.ending = true;
        return false;
      default:
        this.abandon(negotiation.fault);
        return false;
    }
  }

  /** Takes the header of a request; false: none is whole, or nothing more is wanted. */
  private beginRequest(): boolean {
    const { input, host } = this;
    if (input.size < REQUEST_BYTES) return false;
    const { view } = input.memory;
    const at = input.from;
    if (!isRequest(view, at)) {
      this.abandon("sent no request where one is due (wrong magic number)");
      return false;
    }
    const type = requestType(view, at);
    if (type === CMD_DISC) {
      input.consume(REQUEST_BYTES);
      this.ending = true;
      return false;
    }
    const offset = requestOffset(view, at);
    const length = requestLength(view, at);
    const flags = requestFlags(view, at);
    let refusal = host.stopping
      ? SHUTDOWN
      : checkRequest(host.facts, this.replies.structured, type, flags, offset, length);
    const carries = refusal === null && (type === CMD_READ || type === CMD_WRITE);
    let slot = this.stock.take(carries ? length : 0);
    if (slot === NO_MEMORY) {
      refusal = OUT_OF_MEMORY;
      slot = this.stock.take(0);
    }
    if (slot === NO_ROOM) {
      this.stalled = true;
      this.stock.freed = false;
      return false;
    }
    if (slot === NO_MEMORY) {
      this.abandon("was sent away, since there is no memory for its requests");
      return false;
    }
    fillSlot(slot, view, at);
    slot.refusal = refusal;
    input.consume(REQUEST_BYTES);
    if (type === CMD_WRITE && length > 0) {
      this.current = slot;
      this.state = refusal === null ? PAYLOAD : SKIP;
    } else {
      this.begin(slot);
    }
    return true;
  }

  /** Takes of the payload what is there; false: some is missing. */
  private takePayload(slot: Slot): boolean {
    const { input } = this;
    const bytes = Math.min(input.size, slot.length - slot.progress);
    if (bytes > 0) {
      if (this.state === PAYLOAD) {
        const memory = memoryOf(slot);
        copyMemory(input.memory, input.from, memory, DATA_AT + slot.progress, bytes);
      }
      slot.progress += bytes;
      input.consume(bytes);
    }
    if (slot.progress < slot.length) return false;
    this.current = null;
    this.state = REQUEST;
    this.begin(slot);
    return true;
  }

  // ── Commands ──────────────────────────────────────────────────────────────────────────────────

  private begin(slot: Slot): void {
    const { counters, zeroes } = this.host;
    if (slot.refusal !== null) {
      counters.refused++;
      this.replies.failed(slot, slot.refusal.error, slot.refusal.message);
      return;
    }
    firstCommand(slot, zeroes);
    countRequest(counters, slot);
    this.pending++;
    this.host.device.submit(slot.command);
  }

  private ended(command: Command): void {
    const slot = this.stock.slots[command.cookie] as Slot;
    if (command.outcome === OK && !this.gone && nextCommand(slot, this.host.zeroes)) {
      this.host.device.submit(command);
      return;
    }
    this.pending--;
    this.host.mark(this);
    if (this.gone) {
      this.stock.give(slot);
      return;
    }
    const error = errorOf(command);
    if (error === 0) {
      this.replies.done(slot);
    } else {
      this.host.counters.failed++;
      const message = describeOutcome(this.host.device, command);
      this.replies.failed(slot, error, new TextEncoder().encode(message));
    }
  }
}

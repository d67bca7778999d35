// A target's end of one link: the requests whose buffers the link allocated, what it has in service
// (P28), the answers that wait for room, and the broadcasts that are answered in paced steps.
//
// Buffers are allocated on demand and kept. One that the link still pins is nobody's until the link releases it.

import type { FrameView, Link, TxBuffer } from "../../link/link.ts";
import type { Port } from "../../link/loop.ts";
import * as ata from "../../wire/ata.ts";
import * as ethernet from "../../wire/ethernet.ts";
import type { Mac } from "../../wire/mac.ts";
import { type PortCounters, createPortCounters } from "./counters.ts";
import { Duplicates } from "./duplicates.ts";
import { JobQueue } from "../service/queue.ts";
import type { Sweep } from "./sweep.ts";
import type { Passenger, ServiceModel } from "../service/model.ts";
import type { Export } from "./export.ts";
import { UNDECIDED } from "../outcome.ts";
import type { Job } from "../service/stage.ts";

/** How soon a link that had no room is asked again, ns: at first and at most. */
const AGAIN = 50e3;
const MOST_AGAIN = 1e6;

export class TargetPort implements Port {
  readonly link: Link;
  readonly visit: (frame: FrameView) => void;
  /** Of this port alone among all that the target ever had. */
  readonly index: number;
  /** What people call it. */
  readonly name: string;
  readonly counters: PortCounters = createPortCounters();
  readonly duplicates = new Duplicates();
  /** Answers that the link had no room for, oldest first. */
  readonly backlog = new JobQueue();
  /** When the first of them is tried again, ns. */
  againAt = 0;
  /** Broadcasts and announcements not yet done with, oldest first. */
  readonly sweeps: Sweep[] = [];
  /** P13: most sectors of one command at the current MTU. */
  mostSectors = 0;
  /** Bytes of the largest frame. */
  frameBytes = 0;
  /** Requests of this port in hand. */
  held = 0;
  /** No longer one of the target's: what is in hand ends without an answer. */
  removed = false;
  private mac: Mac = 0;
  private mtu = 0;
  private pause = AGAIN;
  private readonly free: Request[] = [];
  private readonly pinned: Request[] = [];

  constructor(
    link: Link,
    index: number,
    name: string,
    receive: (port: TargetPort, frame: FrameView) => void,
  ) {
    this.link = link;
    this.index = index;
    this.name = name;
    this.visit = (frame) => receive(this, frame);
    this.measure();
  }

  /** Takes over the link's MTU and address; whether one of them is new. */
  measure(): boolean {
    const { mac, mtu } = this.link;
    const isNew = mac !== this.mac || mtu !== this.mtu;
    this.mac = mac;
    this.mtu = mtu;
    this.mostSectors = Math.min(255, ata.sectorsWithin(mtu));
    this.frameBytes = Math.max(ethernet.SHORTEST, ethernet.LENGTH + mtu);
    return isNew;
  }

  /** A free request whose buffer holds the largest frame, or null. */
  take(): Request | null {
    const request = this.free.pop();
    if (request === undefined) return null;
    // The MTU has grown since this buffer was made.
    if (request.buffer.bytes.length < this.frameBytes) {
      this.link.free(request.buffer);
      const buffer = this.link.allocate(this.frameBytes);
      // The link has less room than before: the request is gone for good.
      if (buffer === null) return null;
      request.buffer = buffer;
    }
    return request;
  }

  give(request: Request): void {
    if (request.buffer.pins === 0) this.free.push(request);
    else this.pinned.push(request);
  }

  /** Every request that nobody has in hand, for good. */
  *spare(): Generator<Request> {
    yield* this.free;
    yield* this.pinned;
  }

  /** The link had no room at `now`: it is asked less and less often. */
  refused(now: number): void {
    this.againAt = now + this.pause;
    this.pause = Math.min(MOST_AGAIN, 2 * this.pause);
  }

  /** It has room again. */
  accepted(): void {
    this.pause = AGAIN;
  }

  reclaimed(): void {
    this.againAt = 0;
    const { pinned, free } = this;
    for (let at = pinned.length - 1; at >= 0; at--) {
      const request = pinned[at] as Request;
      if (request.buffer.pins > 0) continue;
      const last = pinned.pop() as Request;
      if (last !== request) pinned[at] = last;
      free.push(request);
    }
  }
}

/**
 * One request in hand, from its frame to its answer. Made once with its transmit buffer and used again for ever:
 * the data of a read go straight into the buffer that answers it, and those of a write that can't run at once
 * wait there.
 *
 *     free ─ take ─▶ in service ─ answer ─▶ sent ─ the link completes ─▶ free
 *                                    └─ no room at the link ─▶ backlog ─┘
 */
export class Request implements Passenger {
  /** Dense from 0 over the whole target: the handle of its deadline, the token of its store operation. */
  readonly id: number;
  readonly port: TargetPort;
  buffer: TxBuffer;
  /** Whose command it is; null while the request is free. */
  owner: Export | null = null;

  source: Mac = 0;
  tag = 0;
  command = 0;
  // Of an ATA command.
  flags = 0;
  feature = 0;
  count = 0;
  opcode = 0;
  /** The six LBA bytes as they came, and the sector that they mean to this opcode. */
  registers = 0;
  lba = 0;
  sectors = 0;
  write = false;

  /** P28: it changes something, so that its result is kept; P11: it answers nobody. */
  changes = false;
  announcement = false;
  /** Bytes of the answer as sent. */
  length = 0;
  outcome = UNDECIDED;
  /** First bad sector of a command that failed. */
  failedLba = 0;
  arrivedAt = 0;

  // What it holds until it is answered.
  duplicate = -1;
  admission = -1;
  model: ServiceModel | null = null;
  stage = 0;
  copies = 1;
  decided = UNDECIDED;
  heldAt = 0;
  next: Job | null = null;

  constructor(id: number, port: TargetPort, buffer: TxBuffer) {
    this.id = id;
    this.port = port;
    this.buffer = buffer;
  }
}

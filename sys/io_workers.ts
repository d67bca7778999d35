// File operations in Workers, for kernels without io_uring. A Worker is a thread of this process, so an
// address and a descriptor mean the same there.
//
//   submit ─▶ waiting ─▶ a mailbox, eventfd of the Worker ─▶ pread … ─▶ result, our eventfd ─▶ reap ─▶ ended
//
// Workers start when there is work for one and every other is busy, up to MOST. One descriptor never
// has more than SHARE of them, so that a disk that hangs leaves Workers for the others.

import { errno, refused } from "./errno.ts";
import { allOrNothing } from "./all_or_nothing.ts";
import type { BlockingIo, IoEnded } from "./blocking_io.ts";
import {
  DONE,
  FREE,
  type Mailbox,
  MAILBOX_BYTES,
  PAUSE,
  SYNC,
  READ,
  REPLACE,
  WRITE,
  QUIT,
  mailbox,
} from "./io_mailbox.ts";
import { libc } from "./libc.ts";
import { type Mapping, mapMemory } from "./memory.ts";
import { ownWorker } from "./root.ts";

const c = libc({
  eventfd: { args: ["u32", "i32"], returns: "i32" },
  read: { args: ["i32", "ptr", "u32"], returns: "i32" },
  write: { args: ["i32", "ptr", "u32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
});

const MOST = 8;
const SHARE = 2;
const EFD_CLOEXEC = 0x80000;
const EFD_NONBLOCK = 0x800;
const F_DUPFD_CLOEXEC = 1030;

interface Task {
  kind: number;
  fd: number;
  address: number;
  length: number;
  position: number;
  token: number;
  /** Its own, gone when it has ended. */
  memory: Mapping | null;
}

interface Hand {
  readonly worker: Worker;
  readonly box: Mailbox;
  /** Written to when there is something in the mailbox. */
  readonly bell: number;
  task: Task | null;
}

export interface IoWorkers extends BlockingIo {
  /** Makes the file `path` hold `bytes`, durably (replace_file.ts): 0 or -errno. */
  replace(path: string, bytes: Uint8Array, token: number): void;
  /** An operation on `fd` that does nothing and takes `ns`: for tests of what else goes on. */
  pause(fd: number, ns: number, token: number): void;
}

export function openIoWorkers(reason: string): IoWorkers {
  const fd = c.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) throw refused("can't make an eventfd", errno());
  return allOrNothing((undo) => {
    undo(() => c.close(fd));
    return new Workers(fd, reason);
  });
}

class Workers implements IoWorkers {
  readonly kind = "worker";
  readonly reason: string;
  readonly fd: number;
  pending = 0;
  private readonly hands: Hand[] = [];
  private readonly waiting: Task[] = [];
  private readonly spare: Task[] = [];
  private readonly scratch: Mapping = mapMemory(16);

  constructor(fd: number, reason: string) {
    this.fd = fd;
    this.reason = reason;
  }

  read(fd: number, address: number, length: number, position: number, token: number): void {
    this.submit(READ, fd, address, length, position, token);
  }

  write(fd: number, address: number, length: number, position: number, token: number): void {
    this.submit(WRITE, fd, address, length, position, token);
  }

  sync(fd: number, token: number): void {
    this.submit(SYNC, fd, 0, 0, 0, token);
  }

  pause(fd: number, ns: number, token: number): void {
    this.submit(PAUSE, fd, 0, 0, ns, token);
  }

  replace(path: string, bytes: Uint8Array, token: number): void {
    const name = new TextEncoder().encode(path);
    const memory = mapMemory(name.length + bytes.length);
    memory.bytes.set(name);
    memory.bytes.set(bytes, name.length);
    // No descriptor: they share what one may have.
    this.submit(
      REPLACE,
      -1,
      memory.address,
      name.length + bytes.length,
      name.length,
      token,
      memory,
    );
  }

  private submit(
    kind: number,
    fd: number,
    address: number,
    length: number,
    position: number,
    token: number,
    memory: Mapping | null = null,
  ): void {
    const task = this.spare.pop() ?? { kind, fd, address, length, position, token, memory };
    task.kind = kind;
    task.fd = fd;
    task.address = address;
    task.length = length;
    task.position = position;
    task.token = token;
    task.memory = memory;
    this.waiting.push(task);
    this.pending++;
    this.dispatch();
  }

  /** Gives waiting requests to free workers, oldest first, but no descriptor more than its share. */
  private dispatch(): void {
    for (let at = 0; at < this.waiting.length;) {
      const task = this.waiting[at] as Task;
      if (this.handsOn(task.fd) >= SHARE) {
        at++;
        continue;
      }
      const hand = this.hands.find((each) => each.task === null) ?? this.hire();
      if (hand === null) return;
      this.waiting.splice(at, 1);
      hand.task = task;
      hand.box.give(task.kind, task.fd, task.address, task.length, task.position);
      this.ring(hand.bell);
    }
  }

  private handsOn(fd: number): number {
    let count = 0;
    for (const { task } of this.hands) if (task !== null && task.fd === fd) count++;
    return count;
  }

  private hire(): Hand | null {
    if (this.hands.length >= MOST) return null;
    const bell = c.eventfd(0, EFD_CLOEXEC);
    if (bell < 0) throw refused("can't make an eventfd", errno());
    const shared = new SharedArrayBuffer(MAILBOX_BYTES);
    // Its own: it rings after the result stands in the mailbox, when ours may be closed and its number a file's.
    const done = c.fcntl(this.fd, F_DUPFD_CLOEXEC, 0);
    if (done < 0) {
      const refusal = refused("can't double an eventfd", errno());
      c.close(bell);
      throw refusal;
    }
    const worker = new Worker(ownWorker("sys/io_worker.ts"));
    worker.unref();
    worker.postMessage({ shared, bell, done });
    const hand: Hand = { worker, box: mailbox(shared), bell, task: null };
    this.hands.push(hand);
    return hand;
  }

  private ring(bell: number): void {
    this.scratch.view.setUint32(8, 1, true);
    c.write(bell, this.scratch.bytes.subarray(8), 8);
  }

  reap(ended: IoEnded): number {
    let told = 0;
    for (const hand of this.hands) {
      const { task, box } = hand;
      if (task === null || box.state() !== DONE) continue;
      const result = box.result();
      box.set(FREE);
      const { token } = task;
      hand.task = null;
      task.memory?.unmap();
      task.memory = null;
      this.spare.push(task);
      this.pending--;
      told++;
      ended(token, result);
    }
    if (told > 0 && this.waiting.length > 0) this.dispatch();
    return told;
  }

  drain(): void {
    c.read(this.fd, this.scratch.bytes, 8);
  }

  /** A Worker that is told to go closes its own two descriptors. */
  close(): void {
    if (this.pending > 0) throw new Error(`invariant: ${this.pending} operations have ended`);
    for (const { box, bell } of this.hands) {
      box.give(QUIT, 0, 0, 0, 0);
      this.ring(bell);
    }
    this.hands.length = 0;
    c.close(this.fd);
    this.scratch.unmap();
  }
}

// io_uring(7): file operations that the kernel does on its own, told through two rings in shared memory.
//
//   entries [ opcode flags fd | offset | address | length | flags | user data ]   64 bytes each, ours to write
//   SQ ring [ head  tail  mask … array ]   array[tail & mask] names an entry; we move tail, the kernel head
//   CQ ring [ head  tail  mask … result ]  user data u64, result i32, flags u32; the kernel moves tail, we head
//
// One system call per operation submits it; completions cost none: their tail is a load. The kernel
// raises an eventfd for each, which a sleeping loop waits for. All operations carry IOSQE_ASYNC:
// a worker thread of the kernel begins them, since to begin a cold buffered read (its extents may be on
// the disk too) can block just as the read does. `syscall` is declared with pointers where the calls
// differ: a number crosses as one. Syscalls 425 to 427 are the same on x86_64 and arm64.

import type { BlockingIo, IoEnded } from "./blocking_io.ts";
import { environment, Failure } from "../words/failure.ts";
import { allOrNothing } from "./all_or_nothing.ts";
import { EAGAIN, EBUSY, EINTR, EPERM, describeErrno, errno, refused } from "./errno.ts";
import { I64, libc, pointer } from "./libc.ts";
import { type Mapping, mapMemory, mapShared } from "./memory.ts";

const c = libc({
  syscall: { args: [I64, "u32", "ptr", "ptr", "u32", "ptr", "u32"], returns: "i32" },
  eventfd: { args: ["u32", "i32"], returns: "i32" },
  read: { args: ["i32", "ptr", "u32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
});

const SETUP = 425;
const ENTER = 426;
const REGISTER = 427;
const REGISTER_EVENTFD = 4;
const REGISTER_IOWQ_MAX_WORKERS = 19;

const SETUP_CQSIZE = 1 << 3;
const FEAT_SINGLE_MMAP = 1 << 0;
/** Completions that find the ring full are kept by the kernel (5.5). */
const FEAT_NODROP = 1 << 1;
/** Came with IORING_OP_READ and WRITE (5.6). */
const FEAT_RW_CUR_POS = 1 << 3;
const NEEDED = FEAT_SINGLE_MMAP | FEAT_NODROP | FEAT_RW_CUR_POS;
const OFFSET_SQES = 0x1000_0000;

const OP_FSYNC = 3;
const OP_READ = 22;
const OP_WRITE = 23;
const FSYNC_DATASYNC = 1;
const IOSQE_ASYNC = 1 << 4;

const ENTRIES = 256;
const COMPLETIONS = 8192;
const ENTRY = 64;
const COMPLETION = 16;
/** Operations that the kernel's threads do abreast; its own default is four a CPU. */
const ABREAST = 64;

// struct io_uring_params.
const PARAMS_BYTES = 120;
const P_SQ_ENTRIES = 0;
const P_CQ_ENTRIES = 4;
const P_FLAGS = 8;
const P_FEATURES = 20;
const P_SQ = 40;
const P_CQ = 80;

const EFD_CLOEXEC = 0x80000;
const EFD_NONBLOCK = 0x800;

/** The ring, or in words why there is none: an old kernel, kernel.io_uring_disabled, a seccomp filter. */
export function openIoUring(): BlockingIo | string {
  try {
    return allOrNothing(open);
  } catch (error) {
    if (error instanceof Failure) return error.message;
    throw error;
  }
}

/** Throws a failure with the reason. */
function open(undo: (giveBack: () => void) => void): BlockingIo {
  const params = mapMemory(PARAMS_BYTES);
  undo(() => params.unmap());
  params.view.setUint32(P_FLAGS, SETUP_CQSIZE, true);
  params.view.setUint32(P_CQ_ENTRIES, COMPLETIONS, true);
  const fd = c.syscall(SETUP, ENTRIES, params.bytes, null, 0, null, 0);
  if (fd < 0) {
    const code = errno();
    const hint = code === EPERM ? ": kernel.io_uring_disabled or a seccomp filter" : "";
    throw environment(`the kernel refuses it${hint}: ${describeErrno(code)}`);
  }
  undo(() => c.close(fd));
  const features = params.view.getUint32(P_FEATURES, true);
  if ((features & NEEDED) !== NEEDED) throw environment("the kernel is older than 5.6");
  const eventFd = c.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (eventFd < 0) throw refused("can't make an eventfd");
  undo(() => c.close(eventFd));
  const scratch = mapMemory(16);
  undo(() => scratch.unmap());
  scratch.view.setInt32(0, eventFd, true);
  if (c.syscall(REGISTER, fd, pointer(REGISTER_EVENTFD), scratch.bytes, 1, null, 0) < 0) {
    throw refused("no eventfd for it");
  }
  // Bounded workers, unbounded workers (0: as it is). Older than 5.15: the default then.
  scratch.view.setUint32(0, ABREAST, true);
  scratch.view.setUint32(4, 0, true);
  c.syscall(REGISTER, fd, pointer(REGISTER_IOWQ_MAX_WORKERS), scratch.bytes, 2, null, 0);
  const ring = new Ring(fd, eventFd, params, scratch, undo);
  params.unmap();
  return ring;
}

class Ring implements BlockingIo {
  readonly kind = "io_uring";
  readonly reason = "";
  readonly fd: number;
  pending = 0;
  private readonly ring: number;
  private readonly scratch: Mapping;
  private readonly shared: Mapping;
  private readonly entries: Mapping;
  private readonly words: Int32Array;
  private readonly sqHead: number;
  private readonly sqTail: number;
  private readonly sqMask: number;
  private readonly sqArray: number;
  private readonly cqHead: number;
  private readonly cqTail: number;
  private readonly cqMask: number;
  private readonly cqes: number;

  constructor(
    ring: number,
    eventFd: number,
    params: Mapping,
    scratch: Mapping,
    undo: (giveBack: () => void) => void,
  ) {
    const word = (at: number): number => params.view.getUint32(at, true);
    this.ring = ring;
    this.fd = eventFd;
    this.scratch = scratch;
    const entries = word(P_SQ_ENTRIES);
    const array = word(P_SQ + 24);
    const cqes = word(P_CQ + 20);
    const bytes = Math.max(array + entries * 4, cqes + word(P_CQ_ENTRIES) * COMPLETION);
    this.shared = mapShared(ring, bytes);
    undo(() => this.shared.unmap());
    this.entries = mapShared(ring, entries * ENTRY, OFFSET_SQES);
    this.words = new Int32Array(this.shared.bytes.buffer, 0, bytes >> 2);
    this.sqHead = word(P_SQ) >> 2;
    this.sqTail = word(P_SQ + 4) >> 2;
    this.sqMask = this.words[word(P_SQ + 8) >> 2] as number;
    this.sqArray = array >> 2;
    this.cqHead = word(P_CQ) >> 2;
    this.cqTail = word(P_CQ + 4) >> 2;
    this.cqMask = this.words[word(P_CQ + 8) >> 2] as number;
    this.cqes = cqes >> 2;
  }

  read(fd: number, address: number, length: number, position: number, token: number): void {
    this.submit(OP_READ, fd, address, length, position, 0, token);
  }

  write(fd: number, address: number, length: number, position: number, token: number): void {
    this.submit(OP_WRITE, fd, address, length, position, 0, token);
  }

  sync(fd: number, token: number): void {
    this.submit(OP_FSYNC, fd, 0, 0, 0, FSYNC_DATASYNC, token);
  }

  private submit(
    opcode: number,
    fd: number,
    address: number,
    length: number,
    position: number,
    flags: number,
    token: number,
  ): void {
    const { words, sqMask } = this;
    const { view } = this.entries;
    const tail = words[this.sqTail] as number;
    if (((tail - Atomics.load(words, this.sqHead)) | 0) > sqMask) {
      // Only where the kernel refused earlier submissions because it had no memory.
      throw new Error("invariant: the kernel takes what is submitted");
    }
    const slot = tail & sqMask;
    const at = slot * ENTRY;
    view.setUint32(at, opcode | (IOSQE_ASYNC << 8), true);
    view.setInt32(at + 4, fd, true);
    set64(view, at + 8, position);
    set64(view, at + 16, address);
    view.setUint32(at + 24, length, true);
    view.setUint32(at + 28, flags, true);
    view.setUint32(at + 32, token, true);
    view.setUint32(at + 36, 0, true);
    view.setUint32(at + 40, 0, true);
    view.setUint32(at + 44, 0, true);
    words[this.sqArray + slot] = slot;
    Atomics.store(words, this.sqTail, (tail + 1) | 0);
    this.pending++;
    this.enter();
  }

  /** Hands over whatever the kernel has not taken; what it can't take now is tried again by `reap`. */
  private enter(): void {
    const { words } = this;
    const left = ((words[this.sqTail] as number) - Atomics.load(words, this.sqHead)) | 0;
    if (left === 0) return;
    if (c.syscall(ENTER, this.ring, pointer(left), null, 0, null, 0) >= 0) return;
    const code = errno();
    if (code !== EAGAIN && code !== EBUSY && code !== EINTR) {
      throw refused("io_uring_enter failed", code);
    }
  }

  reap(ended: IoEnded): number {
    const { words, cqMask, cqes } = this;
    let head = words[this.cqHead] as number;
    const tail = Atomics.load(words, this.cqTail);
    let told = 0;
    while (head !== tail) {
      const at = cqes + (head & cqMask) * (COMPLETION >> 2);
      const token = words[at] as number;
      const result = words[at + 2] as number;
      head = (head + 1) | 0;
      // The place is the kernel's again before `ended` submits anything.
      Atomics.store(words, this.cqHead, head);
      this.pending--;
      told++;
      ended(token, result);
    }
    if (this.pending > 0) this.enter();
    return told;
  }

  drain(): void {
    c.read(this.fd, this.scratch.bytes, 8);
  }

  close(): void {
    if (this.pending > 0) throw new Error(`invariant: ${this.pending} operations have ended`);
    c.close(this.ring);
    c.close(this.fd);
    this.entries.unmap();
    this.shared.unmap();
    this.scratch.unmap();
  }
}

function set64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 0x1_0000_0000, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

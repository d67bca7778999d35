// Byte streams beside the frames: what a server of clients on this host (NBD, a control socket) needs
// of a socket, whether it is a Unix socket in the loop's set or two ends in one process.

import { EAGAIN } from "../sys/errno.ts";
import { POLLERR, POLLHUP, POLLIN, POLLOUT } from "../sys/poll.ts";
import type { Memory } from "./link.ts";

/** What `receive` and `send` return when nothing can be moved now. */
export const AGAIN: number = -EAGAIN;

/** What a descriptor is watched for (PollWaiter.add) and what is said of it. */
export const READABLE: number = POLLIN;
export const WRITABLE: number = POLLOUT;
/** Said without being asked for: the other end is gone. */
export const GONE: number = POLLERR | POLLHUP;

export interface ByteStream {
  /** What a Waiter watches. */
  readonly fd: number;
  /** How many bytes came into `memory` at `at`, at most `length`; 0: the end; AGAIN; or another -errno. */
  receive(memory: Memory, at: number, length: number): number;
  /** How many of the `length` bytes of `memory` at `at` went; AGAIN: none now; or another -errno. */
  send(memory: Memory, at: number, length: number): number;
  close(): void;
}

export interface ByteListener {
  readonly fd: number;
  /** The client that waits, or -errno (AGAIN: nobody does). */
  accept(): ByteStream | number;
  /** Stops listening and takes away the name that it listened at. */
  close(): void;
}

/** The part of PollWaiter that a server needs. */
export interface WatchList {
  add(fd: number, ready: (events: number) => void, events?: number): void;
  remove(fd: number): void;
}

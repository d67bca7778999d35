// How a loop sleeps. The real waiter is one epoll over the fds of many links and a wake-up eventfd;
// the virtual one moves a simulated clock. A core sees neither: it is told `now`.

/** Real: one epoll over the fds of many links, a wake-up eventfd, NBD and control sockets. Virtual: the simulated clock. */
export interface Waiter {
  /** Nanoseconds since an arbitrary start, never backwards. */
  now(): number;
  /** Returns when `deadline` (ns) has come, an fd is readable, a signal arrived, or `wake` was called. */
  wait(deadline: number): void;
  wake(): void;
  /** Where there are other threads: lets one that waits for this CPU have it. */
  yield?(): void;
}

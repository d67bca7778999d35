// Clients in turn under a clock that the test holds: how long a look takes, who is next, who must go, and what a system
// without descriptors does to a wait.

import { expect, test } from "bun:test";

import { AGAIN, type ByteStream } from "../../link/byte_stream.ts";
import { EMFILE } from "../../sys/errno.ts";
import { type Client, Clients, LONGEST_LOOK } from "./clients.ts";

interface World {
  readonly clients: Clients;
  readonly log: string[];
  readonly said: string[];
  readonly watched: Set<number>;
  now: number;
  /** What the listener answers with: the number of those who wait, or an error. */
  waiting: number;
  failure: number;
}

/** Each client's step takes 40 µs and there is always one more, but for the idle. */
function world(most: number, idle: readonly number[] = [], yields: readonly number[] = []): World {
  const log: string[] = [];
  const said: string[] = [];
  const watched = new Set<number>();
  const held = { now: 1e9, waiting: 0, failure: 0 };
  let made = 0;
  const clients = new Clients({
    listener: {
      fd: 1,
      accept() {
        log.push("accept");
        if (held.failure !== 0) return -held.failure;
        if (held.waiting === 0) return AGAIN;
        held.waiting--;
        return {} as ByteStream;
      },
      close() {},
    },
    waiter: {
      now: () => held.now,
      add: (fd) => watched.add(fd),
      remove: (fd) => watched.delete(fd),
    },
    most,
    make(_stream, now): Client {
      const number = made++;
      const client = {
        closed: false,
        isDue: false,
        deadline: Infinity,
        yieldsAt: yields.includes(number) ? now : Infinity,
        step() {
          if (idle.includes(number)) return false;
          held.now += 40e3;
          log.push(`step ${number}`);
          return true;
        },
        close() {
          log.push(`close ${number}`);
          client.closed = true;
        },
      };
      return client;
    },
    say: (sentence) => said.push(sentence),
  });
  return Object.assign(held, { clients, log, said, watched });
}

test("a look ends in time, and the next goes on with who comes next", () => {
  const it = world(10);
  it.waiting = 3;
  for (let look = 0; look < 3; look++) {
    const before = it.now;
    it.clients.look();
    expect(it.now - before).toBeLessThan(LONGEST_LOOK + 40e3);
    expect(it.clients.isDue).toBe(true);
  }
  const steps = it.log.filter((line) => line.startsWith("step")).map((line) => line.at(-1));
  expect(steps.join("")).toBe("012012012012");
});

test("a look with nothing to do asks each once, and nothing is due", () => {
  const it = world(10, [0, 1, 2]);
  it.waiting = 3;
  it.clients.look();
  expect([it.clients.count, it.clients.isDue, it.clients.nextDeadline()]).toEqual([
    3,
    false,
    Infinity,
  ]);
  expect(it.watched.has(1)).toBe(true);
});

test("without a descriptor nobody is accepted for a while: no wait is ended, and it is said once", () => {
  const it = world(10);
  it.failure = EMFILE;
  it.clients.look();
  const asked = it.log.length;
  expect(it.watched.has(1)).toBe(false);
  const again = it.clients.nextDeadline();
  expect(again).toBe(it.now + 100e6);
  it.now = again - 1;
  it.clients.look();
  expect(it.log).toHaveLength(asked);
  it.now = again;
  it.clients.look();
  expect(it.log).toHaveLength(asked + 1);
  it.now += 100e6;
  it.failure = 0;
  it.waiting = 1;
  it.clients.look();
  expect([it.clients.count, it.watched.has(1)]).toEqual([1, true]);
  expect(it.said).toEqual(["can't accept a client: Too many open files (EMFILE)"]);
});

test("where all places are taken one that yields goes, the longest first; else the next waits", () => {
  const it = world(3, [0, 1, 2, 3, 4], [1, 2]);
  it.waiting = 2;
  it.clients.look();
  it.now += 10;
  it.waiting = 1;
  it.clients.look();
  it.waiting = 3;
  for (let look = 0; look < 3; look++) it.clients.look();
  expect(it.log.filter((line) => line.startsWith("close"))).toEqual(["close 1", "close 2"]);
  expect([it.clients.count, it.waiting, it.watched.has(1)]).toEqual([3, 1, false]);
  expect(it.clients.nextDeadline()).toBe(Infinity);
});

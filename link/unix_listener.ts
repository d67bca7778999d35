// Listening at a path, as a user means it: a socket file that a dead server left is replaced, a live
// server's is not, and nothing that is no socket is ever taken away.

import { lstatSync, type Stats, unlinkSync } from "node:fs";

import { allOrNothing } from "../sys/all_or_nothing.ts";
import { describeErrno, ECONNREFUSED } from "../sys/errno.ts";
import {
  connectUnixSocket,
  listenUnixSocket,
  LONGEST_SOCKET_PATH,
  type UnixListener,
} from "../sys/unix_socket.ts";
import { environment, expected } from "../words/failure.ts";
import { AGAIN, type ByteListener, type ByteStream } from "./byte_stream.ts";

/** Throws a usage failure (too long), or an environment failure: taken, no socket, no permission. */
export function listenAt(path: string, what: string): ByteListener {
  checkSocketPath(path, what);
  const there = look(path);
  if (there !== null) {
    if (!there.isSocket()) {
      throw environment(`${path} exists and is not a socket, so it is not replaced`);
    }
    const answer = connectUnixSocket(path);
    if (typeof answer !== "number") answer.close();
    // A full backlog is a live server too.
    if (typeof answer !== "number" || answer === AGAIN) {
      throw environment(`Another server listens at ${path}`);
    }
    if (answer !== -ECONNREFUSED) {
      throw environment(`Can't find out who listens at ${path}: ${describeErrno(-answer)}`);
    }
    unlink(path);
  }
  return allOrNothing((undo) => {
    const listener = listenUnixSocket(path);
    undo(() => listener.close());
    return closing(path, listener, look(path));
  });
}

function closing(path: string, listener: UnixListener, own: Stats | null): ByteListener {
  return {
    fd: listener.fd,
    accept: () => acceptFrom(listener),
    close() {
      listener.close();
      const now = look(path);
      // Somebody may have put another in its place.
      if (own !== null && now !== null && now.ino === own.ino && now.dev === own.dev) unlink(path);
    },
  };
}

/** Throws a usage failure for a path that no socket can have. */
export function checkSocketPath(path: string, what: string): void {
  const bytes = new TextEncoder().encode(path).length;
  if (bytes >= 1 && bytes <= LONGEST_SOCKET_PATH && !path.includes("\0")) return;
  throw expected(what, `a path of 1 to ${LONGEST_SOCKET_PATH} bytes`, path);
}

function look(path: string): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null;
}

function unlink(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    throw environment(`Can't take away ${path}: ${(error as Error).message}`);
  }
}

/** As ByteListener.accept. */
export function acceptFrom({ accept }: Pick<UnixListener, "accept">): ByteStream | number {
  const stream = accept();
  if (typeof stream === "number") return stream;
  return {
    fd: stream.fd,
    receive: (memory, at, length) => stream.receive(memory.address + at, length),
    send: (memory, at, length) => stream.send(memory.address + at, length),
    close: stream.close,
  };
}

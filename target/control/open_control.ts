// The control socket of a target: made with mode 0600, given to the user whom the process becomes, served beside the
// frames.

import { lchownSync } from "node:fs";

import type { PollWaiter } from "../../link/poll_waiter.ts";
import type { User } from "../../sys/privileges.ts";
import { environment, Failure } from "../../words/failure.ts";
import type { Clients } from "./clients.ts";
import type { ControlCode } from "./load_control.ts";
import type { Running } from "./running.ts";

export interface ControlOptions {
  readonly waiter: PollWaiter;
  /** Asked once a line has come. */
  readonly running: () => Running;
  /** Whom the process becomes; null: nobody else. */
  readonly user: User | null;
  readonly say: (sentence: string) => void;
}

export interface OpenControl {
  readonly clients: Clients;
  readonly close: () => void;
}

/** Throws an environment failure where the socket can't be made or given to the user. */
export function openControl(code: ControlCode, options: ControlOptions): OpenControl {
  const { path, listenAt, createLineServer, command } = code;
  const { waiter, running, user, say } = options;
  // 0600 from its first moment on: a chmod afterwards would come too late for somebody.
  const mask = process.umask(0o177);
  let listener: ReturnType<typeof listenAt>;
  try {
    listener = listenAt(path, "--control");
  } finally {
    process.umask(mask);
  }
  if (user !== null) {
    try {
      // Of the name itself: a user who may write in its directory could put a link in its place meanwhile.
      lchownSync(path, user.uid, user.gid);
    } catch (error) {
      listener.close();
      throw environment(`Can't give ${path} to user ${user.uid}: ${(error as Error).message}`);
    }
  }
  const clients = createLineServer({
    listener,
    waiter,
    handle: (line, answer) => command(line, running(), answer),
    say: (sentence) => say(`control socket: ${sentence}`),
  });
  const close = (): void => {
    try {
      clients.close();
    } catch (error) {
      // A user who may not write in the socket's directory leaves it behind; the next target replaces it.
      if (!(error instanceof Failure)) throw error;
      say(error.message);
    }
  };
  return { clients, close };
}

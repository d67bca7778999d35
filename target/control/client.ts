// The other end of the control socket: `aoe target ctl`, `aoe target top`.

import { connect, type Socket } from "node:net";

import { environment, failed } from "../../words/failure.ts";

/** Where `ctl` and `top` look unless told. */
export const DEFAULT_SOCKET = "/run/aoe/control";

export interface ControlClient {
  /** The answer to one request. Throws a failure where the target is gone. */
  ask(request: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>;
  close(): void;
}

/** Throws an environment failure where nobody listens at `path`. */
export async function connectControl(path: string): Promise<ControlClient> {
  const socket = await open(path);
  let text = "";
  let waiting: { resolve: (line: string) => void; reject: (error: Error) => void } | null = null;
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    text += chunk;
    const end = text.indexOf("\n");
    if (end < 0 || waiting === null) return;
    const { resolve } = waiting;
    waiting = null;
    const line = text.slice(0, end);
    text = text.slice(end + 1);
    resolve(line);
  });
  const lost = (): void => waiting?.reject(failed(`The target at ${path} closed the connection`));
  socket.on("close", lost);
  socket.on("error", lost);
  return {
    async ask(request) {
      const line = await new Promise<string>((resolve, reject) => {
        if (socket.destroyed) {
          reject(failed(`The target at ${path} closed the connection`));
          return;
        }
        waiting = { resolve, reject };
        socket.write(`${JSON.stringify(request)}\n`);
      });
      return JSON.parse(line) as Record<string, unknown>;
    },
    close: () => socket.destroy(),
  };
}

function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => resolve(socket));
    socket.once("error", (error: NodeJS.ErrnoException) => {
      reject(environment(`No target listens at ${path}: ${error.code ?? error.message}`));
    });
  });
}

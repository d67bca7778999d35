// The other end of the control socket: `aoe target ctl`, `aoe target top`.

import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";

import { environment, failed, usage } from "../../words/failure.ts";

/** Where runtime folders stand: `control` of a target by itself is in `aoe`, of the unit aoe-target@NAME in `aoe-NAME`. */
const RUN = "/run";

export interface ControlClient {
  /** The answer to one request. Throws a failure where the target is gone. */
  ask(request: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>;
  close(): void;
}

/**
 * To the target at `given`, the path of `--socket`; undefined: to the one that listens in its runtime folder. Throws an
 * environment failure where there is none, and a usage failure where there are several.
 */
export async function connectControl(given: string | undefined, run = RUN): Promise<ControlClient> {
  return given === undefined ? speak(...(await find(run))) : speak(given, await reach(given));
}

async function reach(path: string): Promise<Socket> {
  const socket = await open(path);
  if (typeof socket !== "string") return socket;
  throw environment(
    `No target listens at ${path}: ${reasonOf(socket)}; \`--socket\` must be the path of the target's \`--control\` (\`control\` of its configuration)`,
  );
}

async function find(run: string): Promise<[string, Socket]> {
  const paths = readdirSync(run)
    .filter((name) => name === "aoe" || name.startsWith("aoe-"))
    .toSorted()
    .map((name) => join(run, name, "control"));
  const found: [string, Socket][] = [];
  let closed: string | null = null;
  for (const path of paths) {
    const socket = await open(path);
    if (typeof socket !== "string") found.push([path, socket]);
    else if (socket === "EACCES") closed = path;
  }
  const [first, ...others] = found;
  if (first !== undefined && others.length === 0) return first;
  for (const [, socket] of found) socket.destroy();
  if (first !== undefined) {
    throw usage(
      `Expected \`--socket\` to say which target is meant: they listen at ${found.map(([path]) => path).join(" and ")}`,
    );
  }
  if (closed !== null) {
    throw environment(`No permission to speak to the target at ${closed}: its user and root may`);
  }
  throw environment(
    `No target listens at ${run}/aoe/control or ${run}/aoe-NAME/control: \`--socket\` names the path that its \`--control\` has`,
  );
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ECONNREFUSED: "its server has ended",
  EACCES: "no permission",
};

function reasonOf(code: string): string {
  return REASONS[code] ?? code;
}

function speak(path: string, socket: Socket): ControlClient {
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

/** The connection, or why there is none. */
function open(path: string): Promise<Socket | string> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => resolve(socket));
    socket.once("error", ({ code, message }: NodeJS.ErrnoException) => resolve(code ?? message));
  });
}

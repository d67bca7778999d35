// A target and an NBD server over it as processes of a lab, for tests.

import { join } from "node:path";
import { truncateSync, writeFileSync } from "node:fs";
import { AOE } from "../../lab/programs.ts";

export interface Running {
  readonly child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  /** All of stderr so far. */
  said(): string;
  /** Waits until stderr has `words`; throws with what it said where the process ends before. */
  until(words: string): Promise<void>;
  /** Sends the signal and waits; the exit code. */
  end(signal?: NodeJS.Signals): Promise<number>;
}

/** `aoe WORDS…` beside this process; stderr is gathered. */
export function startAoe(words: readonly string[]): Running {
  const child = Bun.spawn([process.execPath, AOE, ...words], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let text = "";
  let ended = false;
  const gathering = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of child.stderr) text += decoder.decode(bytes, { stream: true });
    ended = true;
  })();
  return {
    child,
    said: () => text,
    async until(words_) {
      for (let tries = 0; tries < 1000; tries++) {
        if (text.includes(words_)) return;
        if (ended) break;
        await Bun.sleep(10);
      }
      throw new Error(`\`aoe ${words.join(" ")}\` did not say \`${words_}\`, but: ${text}`);
    },
    async end(signal = "SIGTERM") {
      child.kill(signal);
      await child.exited;
      await gathering;
      return child.exitCode ?? -1;
    },
  };
}

export interface NbdFixture {
  readonly image: string;
  readonly socket: string;
  /** As libnbd and qemu take it. */
  readonly uri: string;
  target: Running;
  server: Running;
  /** The target again, after its end. */
  restartTarget(): Promise<void>;
  /** Another server at the same path. */
  restart(words?: readonly string[]): Promise<Running>;
  close(): Promise<void>;
}

/** e7.3 with `bytes` of zeroes on `b0`, served at a socket in `folder` by an initiator on `a0`. */
export async function startNbd(folder: string, bytes: number): Promise<NbdFixture> {
  const image = join(folder, "disk.img");
  const socket = join(folder, "socket");
  writeFileSync(image, "");
  truncateSync(image, bytes);
  const makeTarget = async (): Promise<Running> => {
    const target = startAoe(["target", "7", "3", "b0", image]);
    await target.until("serves");
    return target;
  };
  const serve = async (more: readonly string[]): Promise<Running> => {
    const server = startAoe([
      ...["initiator", "nbd", "e7.3", "--interface", "a0", "--socket", socket],
      ...more,
    ]);
    await server.until("Serving ");
    return server;
  };
  const fixture: NbdFixture = {
    image,
    socket,
    uri: `nbd+unix:///?socket=${socket}`,
    target: await makeTarget(),
    server: await serve([]),
    async restartTarget() {
      fixture.target = await makeTarget();
    },
    async restart(more = []) {
      fixture.server = await serve(more);
      return fixture.server;
    },
    async close() {
      if (fixture.server.child.exitCode === null) await fixture.server.end();
      await fixture.target.end();
    },
  };
  return fixture;
}

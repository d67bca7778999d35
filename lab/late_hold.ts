// The hold of a late lab as a load sees it: begun when its warm-up ends, ended with its measured time, and moved by
// a process beside it meanwhile (late_player.ts).

import { Failure, failed } from "../words/failure.ts";
import type { HoldTotal } from "./late.ts";
import type { LatePlan } from "./late_plan.ts";
import { ownFile } from "../sys/root.ts";

const PLAYER = ownFile("lab/late_player.ts");

export interface LateHold {
  /** The plan begins. Returns at once: the hold moves a few ms later. */
  begin(): void;
  /** The plan ends, and all is released. Returns at once. */
  end(): void;
  /** Ends it where that has not been done, and waits. Throws the Failure that its process ended with. */
  close(): Promise<HoldTotal>;
}

/** To be called before the load pins itself, or both share its CPU. Throws an environment Failure outside a late lab. */
export async function openLateHold(plan: LatePlan): Promise<LateHold> {
  const child = Bun.spawn([process.execPath, PLAYER, plan.text], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  const said = new Response(child.stderr).text();
  const lines = linesOf(child.stdout);
  let open = true;
  const end = (): void => {
    if (open) child.stdin.end();
    open = false;
  };
  async function close(): Promise<HoldTotal> {
    end();
    const { value } = await lines.next();
    const code = await child.exited;
    if (code === 0 && value !== undefined) return JSON.parse(value) as HoldTotal;
    const sentence = (await said).trim();
    throw code > 0 && sentence !== ""
      ? new Failure(sentence, code)
      : failed(`What moves the late lab's hold ended with code ${code}`);
  }
  if ((await lines.next()).done === true) await close();
  return {
    begin() {
      child.stdin.write("begin\n");
      child.stdin.flush();
    },
    end,
    close,
  };
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  return undefined;
}

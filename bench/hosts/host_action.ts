// `aoe bench host`, which help does not show: the host's end of a session, started by the
// controller through ssh. Orders come on stdin, answers and events go to stdout.

import { onSignals } from "../../words/signals.ts";
import { EXIT } from "../../words/failure.ts";
import { ROOT } from "../../sys/root.ts";
import { printableJson } from "../../words/printable.ts";
import { HostSide } from "./host_side.ts";
import { eachLine, Machine } from "./host_world.ts";

/** ms between two looks at the lease. */
const LOOK = 250;

/** `address`: of this machine, by which ssh came in. Returns the exit code. */
export async function hostAction(address: string): Promise<number> {
  const send = (message: object): void => {
    process.stdout.write(`${printableJson(message)}\n`);
  };
  const side = new HostSide(new Machine(send, address));
  const end = (): void => side.end();
  process.on("exit", end);
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const restore = onSignals(() => resolve());
  const timer = setInterval(() => {
    side.tick();
    if (side.ended) resolve();
  }, LOOK);
  send({ event: "hello", bun: process.execPath, root: ROOT });
  const heard = eachLine(Bun.stdin.stream(), (line) => {
    side.take(line).catch((error: unknown) => process.emit("uncaughtException", error as Error));
  });
  try {
    await Promise.race([heard, ended]);
    return EXIT.done;
  } finally {
    clearInterval(timer);
    restore();
    end();
    // What stdin still has to say is heard by nobody.
    process.exit(EXIT.done);
  }
}

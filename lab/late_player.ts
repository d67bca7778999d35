// Moves a late lab's hold by a plan, as a process of its own: `tc` takes milliseconds, in which the load that is
// measured must not stand still. It ends with the process that started it.
//
//   bun late_player.ts PLAN      stdout: a line when it is ready; what it held, as JSON, at the end
//                                stdin:  a line begins the plan, the end of the file ends it and releases

import { Failure } from "../words/failure.ts";
import { openLate } from "./late.ts";
import { parseLatePlan } from "./late_plan.ts";

async function main(text: string): Promise<void> {
  const plan = parseLatePlan(text, "PLAN");
  const late = openLate();
  // Whatever an earlier one left.
  late.release();
  process.stdout.write("ready\n");
  const stop = new AbortController();
  let following: Promise<void> | null = null;
  for await (const _ of Bun.stdin.stream()) following ??= late.follow(plan, stop.signal);
  stop.abort();
  await following;
  process.stdout.write(`${JSON.stringify(late.total)}\n`);
}

try {
  await main(process.argv[2] ?? "");
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.exitCode;
}

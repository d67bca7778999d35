// A measurement in a process of its own in a lab: a task as JSON on its command line, figures as JSON on its stdout.

import { labCommandLine, labEnv } from "../../lab/lab.ts";
import type { LabShape } from "../../lab/setup.ts";
import { EXIT, Failure } from "../../words/failure.ts";
import { lastLine, runChild } from "./child.ts";

export interface ProbeRun<Figures> {
  readonly figures: Figures | null;
  /** One sentence where there are none. */
  readonly failure: string | null;
}

/** `program`: of this tree, one that calls `answerProbe`. */
export async function runProbe<Figures>(
  program: string,
  task: unknown,
  shape: LabShape,
  signal: AbortSignal | undefined,
): Promise<ProbeRun<Figures>> {
  const words = [process.execPath, program, JSON.stringify(task)];
  const run = await runChild(labCommandLine(words, shape), { env: labEnv(shape), signal });
  if (run.code === EXIT.done) return { figures: JSON.parse(run.stdout) as Figures, failure: null };
  return { figures: null, failure: lastLine(run.stderr) || `It ended with code ${run.code}` };
}

/** The program's side. `measure` gets what `runProbe` was given as `task`. */
export async function answerProbe<Task>(measure: (task: Task) => Promise<unknown>): Promise<void> {
  try {
    const figures = await measure(JSON.parse(process.argv[2] ?? "{}") as Task);
    process.stdout.write(`${JSON.stringify(figures)}\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = error instanceof Failure ? error.exitCode : EXIT.failed;
  }
}

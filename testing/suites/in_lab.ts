// How a test file gets a network: it runs itself again inside a lab.
//
//   import { testsInLab } from "./in_lab.ts";
//
//   testsInLab(import.meta.path, { mtu: 9000 }, () => {
//     test("frames cross the pair", () => { … findInterface("a0") … });
//   });
//
// Outside, this registers one test, which runs `bun test FILE` in a lab and passes when that does and
// some test has run. Inside, it registers the tests themselves. The rest of the file, tests without a
// lab included, is read in both, so side effects at top level belong into tests; those tests run only
// outside. Several calls in a file need different shapes: each gets a lab of its own. Where no lab can
// be made there is one skipped test whose name says why.

import { basename } from "node:path";

import { expect, test } from "bun:test";

import { probeLab, runInLab } from "../../lab/lab.ts";
import type { LabShape } from "../../lab/setup.ts";

export interface InLabOptions extends LabShape {
  /** Why they can't run on this machine, beyond what a lab needs; null: they can. */
  readonly missing?: string | null;
}

/** For all tests of a file: each has a limit of its own, this is for what hangs between them. */
const HANG_MS = 600_000;

/** Whether this process is such a second run; a file's tests without a lab ask to stay away then. */
export const insideLabTests = process.env["AOE_LAB_TESTS"] !== undefined;

export function testsInLab(file: string, options: InLabOptions, define: () => void): void {
  const { missing = null, ...shape } = options;
  const key = `${file} ${JSON.stringify(shape)}`;
  if (insideLabTests) {
    if (process.env["AOE_LAB_TESTS"] === key) define();
    return;
  }
  const name = `${basename(file)} in a lab ${describe(shape)}`.trimEnd();
  const probe = probeLab(shape);
  const reason = probe.available ? missing : probe.reason;
  if (reason !== null) {
    test.skip(`${name}: ${reason}`, () => {});
    return;
  }
  test(
    name,
    async () => {
      const run = await runInLab([process.execPath, "test", "--timeout", "60000", file], {
        ...shape,
        env: { AOE_LAB_TESTS: key },
        timeoutMs: HANG_MS,
      });
      const passed = /^\s*(\d+) pass$/m.exec(run.stderr)?.[1];
      // The inner run's report is the only one that says what failed, and what skipped and why.
      if (run.exitCode !== 0 || passed === undefined) {
        throw new Error(`exit code ${run.exitCode} in the lab:\n${run.stdout}\n${run.stderr}`);
      }
      if (/^\(skip\)/m.test(run.stderr)) console.log(run.stderr);
      expect(Number(passed)).toBeGreaterThan(0);
    },
    HANG_MS + 5_000,
  );
}

function describe(shape: LabShape): string {
  const parts: string[] = [];
  if (shape.mtu !== undefined) parts.push(`mtu ${shape.mtu}`);
  if (shape.pairs !== undefined) parts.push(`${shape.pairs} pairs`);
  if (shape.late === true) parts.push("late");
  return parts.length === 0 ? "" : `(${parts.join(", ")})`;
}

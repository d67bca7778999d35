// Whether two results may stand beside each other: made on the same machine, over the same link, by the
// same job. A difference that nobody asked about would be taken for one of the program.

import type { RunResult } from "../result.ts";
import { rowKey } from "./comparison.ts";

/** What keeps them apart, each as a few words with both values; empty: nothing. */
export function obstacles(base: RunResult, head: RunResult): string[] {
  const found: string[] = [];
  const look = (what: string, of: (result: RunResult) => unknown): void => {
    const [a, b] = [shown(of(base)), shown(of(head))];
    if (a !== b) found.push(`${what} ${a} and ${b}`);
  };
  look("the machine", ({ provenance }) => provenance.machine);
  look("the CPU", ({ provenance }) => provenance.cpu);
  look("the kernel", ({ provenance }) => provenance.kernel);
  look("Bun", ({ provenance }) => provenance.bun);
  look("the governor", ({ provenance }) => provenance.governor);
  look("the CPUs allowed", ({ provenance }) => provenance.cpus_allowed);
  look("the pinning", ({ pinning }) => pinning);
  look("the link", ({ link }) => link);
  look("the interfaces", ({ interfaces }) => interfaces);
  const rows = new Set(base.cells.map(rowKey));
  const others = head.cells.map(rowKey);
  const differ =
    others.filter((row) => !rows.has(row)).length +
    rows.size -
    others.filter((row) => rows.has(row)).length;
  if (differ > 0) found.push(`the job (${differ} rows are on one side only)`);
  return found;
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

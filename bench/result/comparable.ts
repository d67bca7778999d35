// Whether two results may stand beside each other: made on the same machine, over the same link, by the
// same job. A difference that nobody asked about would be taken for one of the program. What is exact comes out the
// same on every machine.

import type { RunResult } from "./result.ts";
import { rowDifferences } from "./row_key.ts";

/** What keeps them apart, each as a few words with both values; empty: nothing. */
export function obstacles(base: RunResult, head: RunResult, exact = false): string[] {
  const found: string[] = [];
  const look = (what: string, of: (result: RunResult) => unknown): void => {
    const [a, b] = [shown(of(base)), shown(of(head))];
    if (a !== b) found.push(`${what} ${a} and ${b}`);
  };
  look("the link", ({ link }) => link);
  const rows = rowDifferences(base.cells, head.cells);
  if (exact) return [...found, ...rows];
  if (base.hosts.length > 0 || head.hosts.length > 0) {
    for (const role of ["target", "initiator"] as const) look(`the ${role} hosts`, hostsOf(role));
    return [...found, ...rows];
  }
  look("the machine", ({ provenance }) => provenance.machine);
  look("the CPU", ({ provenance }) => provenance.cpu);
  look("the kernel", ({ provenance }) => provenance.kernel);
  look("Bun", ({ provenance }) => provenance.bun);
  look("the governor", ({ provenance }) => provenance.governor);
  look("the CPUs allowed", ({ provenance }) => provenance.cpus_allowed);
  look("the target's CPU", ({ pinning }) => pinning.target ?? "not pinned");
  look("the load's CPU", ({ pinning }) => pinning.load ?? "not pinned");
  // Their state is for the reader: an older program has not kept it.
  look("the interfaces", ({ interfaces }) => interfaces.map(({ state: _, ...rest }) => rest));
  return [...found, ...rows];
}

/** What of the hosts of a role has to be the same, whatever their names are. */
function hostsOf(role: RunResult["hosts"][number]["role"]): (result: RunResult) => unknown {
  return ({ hosts }) =>
    hosts
      .filter((host) => host.role === role)
      .map(({ provenance, cpus, driver, interface: { state: _, coalescing: __, ...on } }) => {
        const { machine, cpu, kernel, bun, governor } = provenance;
        return { machine, cpu, kernel, bun, governor, cpus, driver, on };
      });
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

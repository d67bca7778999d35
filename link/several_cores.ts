// Several cores in one loop, as one core: many initiators in a process, or an initiator and a target.

import type { Core, Port } from "./loop.ts";

export function severalCores(cores: readonly Core[]): Core {
  const ports: Port[] = cores.flatMap((core) => [...core.ports]);
  return {
    ports,
    begin(now) {
      for (const core of cores) core.begin(now);
    },
    advance(now) {
      for (const core of cores) core.advance(now);
    },
    nextDeadline() {
      let at = Infinity;
      for (const core of cores) at = Math.min(at, core.nextDeadline());
      return at;
    },
  };
}

// The code behind a control socket and behind metrics, loaded only where they are asked for: most of a target's start
// is loading, and the verbs bring the configuration's schemas along.

import type { Listen } from "../config/listen.ts";
import type { MetricsOptions } from "./metrics_server.ts";

export async function loadControl(path: string) {
  const [{ listenAt }, { createLineServer }, { command }] = await Promise.all([
    import("../../link/unix_listener.ts"),
    import("./line_server.ts"),
    import("./verbs.ts"),
  ]);
  return { path, listenAt, createLineServer, command };
}

export type ControlCode = Awaited<ReturnType<typeof loadControl>>;

/** What opens the file of `--stats-at-end`. */
export async function loadStatsAtEnd(path: string) {
  const { openStatsAtEnd } = await import("./stats_at_end.ts");
  return () => openStatsAtEnd(path);
}

/** What begins to serve metrics. Throws an environment failure where nobody knows the host. */
export async function loadMetrics(listen: Listen) {
  const [{ resolveHost }, { serveMetrics }] = await Promise.all([
    import("../../link/tcp_listener.ts"),
    import("./metrics_server.ts"),
  ]);
  const address = await resolveHost(listen.host);
  return (options: Omit<MetricsOptions, "listen" | "address">) =>
    serveMetrics({ ...options, listen, address });
}

// The code behind a control socket, loaded only where one is asked for: most of a target's start is loading,
// and the verbs bring the configuration's schemas along.

export async function loadControl(path: string) {
  const [{ listenAt }, { LineServer }, { command }] = await Promise.all([
    import("../../link/unix_listener.ts"),
    import("./line_server.ts"),
    import("./verbs.ts"),
  ]);
  return { path, listenAt, LineServer, command };
}

export type ControlCode = Awaited<ReturnType<typeof loadControl>>;

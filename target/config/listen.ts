// Where to listen for people of this host, and of others only when that is asked for.

import { expected } from "../../words/failure.ts";

export interface Listen {
  readonly host: string;
  readonly port: number;
}

/** `:9100` (on 127.0.0.1), `10.0.0.1:9100`, `[::]:9100`. Port 0 is any that is free. */
export function parseListen(text: string, what: string): Listen {
  const match = /^(\[[\da-fA-F:.]+\]|[^:[\]\s]*):(\d{1,5})$/.exec(text.trim());
  const port = Number(match?.[2]);
  if (match === null || !(port <= 65_535)) {
    throw expected(what, "HOST:PORT, or :PORT for 127.0.0.1", text);
  }
  const [, host = ""] = match;
  return { host: host === "" ? "127.0.0.1" : host.replaceAll(/[[\]]/g, ""), port };
}

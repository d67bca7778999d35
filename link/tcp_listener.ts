// Listening at a host's name or address and a port.

import { lookup } from "node:dns/promises";

import { listenTcp } from "../sys/tcp_listener.ts";
import { environment } from "../words/failure.ts";
import type { ByteListener } from "./byte_stream.ts";
import { acceptFrom } from "./unix_listener.ts";

export interface PortListener extends ByteListener {
  /** The one that the kernel chose where 0 was asked for. */
  readonly port: number;
}

/** The address that a listener at `host` has. Throws an environment failure where nobody knows the name. */
export async function resolveHost(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw environment(`No address is known for the host ${host}: ${code ?? message}`);
  }
}

/** `address` is numeric. Throws an environment failure. */
export function listenAtPort(address: string, port: number): PortListener {
  const listener = listenTcp(address, port);
  return {
    fd: listener.fd,
    port: listener.port,
    accept: () => acceptFrom(listener),
    close: listener.close,
  };
}

// What `aoe initiator nbd` does: serves a device to those who speak NBD, until a signal comes.

import type { ByteListener } from "../../link/byte_stream.ts";
import { drive } from "../../link/drive.ts";
import { checkSocketPath, listenAt } from "../../link/unix_listener.ts";
import { formatAddress, parseAddress } from "../../words/address.ts";
import { expected, failed } from "../../words/failure.ts";
import { shownBytes } from "../../words/shown.ts";
import { parseInteger } from "../../words/quantity.ts";
import { onSignals } from "../../words/signals.ts";
import { exportFacts } from "./export_facts.ts";
import { parseString } from "./handshake.ts";
import { NbdServer } from "./server.ts";
import { tryFlush } from "../session/flush.ts";
import type { Session } from "../session/session.ts";
import { describeTrouble, deviceStats, linkStats } from "../session/stats.ts";
import { parseWait, type RawSessionOptions, withSession } from "../session/session_options.ts";
import { printableJson } from "../../words/printable.ts";
import { say } from "../../words/say.ts";

export interface RawNbdOptions extends RawSessionOptions {
  readonly socket: string;
  readonly export: string;
  readonly readOnly?: boolean;
  readonly connections: string;
}

/** `--connections` at most; each may occupy the memory of the largest request. */
const MOST_CONNECTIONS = 64;
/** How often sockets are looked at while the device has requests, ns: an answer must not wait for a look. */
const LOOK_EVERY = 5e3;

export async function nbdAction(name: string, texts: RawNbdOptions): Promise<void> {
  const address = parseAddress(name, "device");
  const wait = parseWait(texts);
  checkSocketPath(texts.socket, "--socket");
  const mostConnections = parseInteger(texts.connections, "--connections", 1, MOST_CONNECTIONS);
  if (parseString(new TextEncoder().encode(texts.export)) === null) {
    throw expected("--export", "a name of at most 4096 bytes", texts.export);
  }
  await withSession(texts, async (session) => {
    const device = await session.find(address, wait);
    const readOnly = texts.readOnly ?? false;
    const without = readOnly ? null : await tryFlush(session, device);
    if (without !== null) say(`${without}; so clients are offered neither flush nor FUA`);
    const canFlush = !readOnly && without === null;
    const server = new NbdServer({
      core: session.initiator,
      device,
      facts: exportFacts(device, texts.export, readOnly, canFlush),
      watchList: session.waiter,
      mostConnections,
      onNotice: say,
    });
    const listener = listenAt(texts.socket, "--socket");
    const start = session.waiter.now();
    await serve(session, server, listener, () =>
      say(
        `Serving ${formatAddress(device)} (${shownBytes(server.facts.size)}${readOnly ? ", read-only" : ""}) at ${uri(texts)}`,
      ),
    );
    tell(session, server, session.waiter.now() - start, texts.json ?? false);
    if (device.gone) throw failed(`${formatAddress(device)} is not served any longer`);
  });
}

/** Until a signal has come, or another disk is there, and what was in hand is answered. */
async function serve(
  session: Session,
  server: NbdServer,
  listener: ByteListener,
  listening: () => void,
): Promise<void> {
  const { waiter, mode } = session;
  let asked = false;
  let atOnce = false;
  const release = onSignals((_code, again) => {
    asked = true;
    atOnce = again;
    waiter.wake();
  });
  try {
    server.listen(listener);
    listening();
    await drive({
      core: server,
      waiter,
      mode,
      lookEvery: LOOK_EVERY,
      expecting: () => server.device.pending > 0,
      until: () => {
        if (asked) server.stop(waiter.now());
        return server.finished || atOnce;
      },
    });
  } finally {
    server.stop(waiter.now());
    release();
  }
}

/** As nbdinfo and its kin take it. */
function uri({ socket, export: name }: RawNbdOptions): string {
  return `nbd+unix:///${encodeURIComponent(name)}?socket=${socket}`;
}

function tell(session: Session, server: NbdServer, elapsed: number, json: boolean): void {
  const { counters, device } = server;
  if (json) {
    const { connections, reads, writes, zeroes, flushes, refused, failed, broken } = counters;
    const document = {
      device: formatAddress(device),
      elapsed_ns: Math.round(elapsed),
      nbd: {
        connections,
        reads,
        writes,
        zeroes,
        flushes,
        read_bytes: counters.readBytes,
        written_bytes: counters.writtenBytes,
        refused,
        failed,
        broken,
      },
      stats: deviceStats(device, session.waiter.now()),
      links: linkStats(session.initiator),
    };
    process.stdout.write(`${printableJson(document)}\n`);
    return;
  }
  const trouble = describeTrouble(device, session.initiator);
  const parts = [
    `${counters.connections} clients`,
    `${counters.reads} reads (${shownBytes(counters.readBytes)})`,
    `${counters.writes} writes and ${counters.zeroes} of zeroes (${shownBytes(counters.writtenBytes)})`,
    `${counters.flushes} flushes`,
    `${counters.refused} refused`,
    `${counters.failed} failed`,
  ];
  process.stderr.write(`Served ${parts.join(", ")}${trouble === "" ? "" : `; ${trouble}`}\n`);
}

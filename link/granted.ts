// What a link over a raw socket asks the kernel for, and what a user should hear of what it got.

import type { Interface } from "../sys/interface.ts";
import { masterOf } from "../sys/master.ts";
import { type ReceiveRing, ringBytesOf } from "../sys/packet_ring.ts";
import { shownBytes } from "../words/shown.ts";
import type { PacketOptions } from "./packet_options.ts";

const DEFAULT_RING_BYTES = 4 << 20;
const MOST_RING_BYTES = 64 << 20;
const DEFAULT_SEND_BYTES = 4 << 20;
/** What a ring holds at least, whatever the MTU. */
const LEAST_FRAMES = 128;

/** What to ask for as receive ring. */
export function ringBytesFor(
  { ringBytes, ringFrames = 0 }: Pick<PacketOptions, "ringBytes" | "ringFrames">,
  slotBytes: number,
): number {
  if (ringBytes !== undefined) return ringBytes;
  const bytes = ringBytesOf(Math.max(ringFrames, LEAST_FRAMES), slotBytes);
  return Math.min(MOST_RING_BYTES, Math.max(DEFAULT_RING_BYTES, bytes));
}

/** What to ask for as send buffer. */
export function sendBytesFor({ sendBufferBytes }: PacketOptions): number {
  return sendBufferBytes ?? DEFAULT_SEND_BYTES;
}

export function warnings(
  options: PacketOptions,
  found: Interface,
  transmit: Interface,
  ring: ReceiveRing,
  sendBufferBytes: number,
): string[] {
  const said: string[] = [];
  for (const { name, up, running } of found === transmit ? [found] : [found, transmit]) {
    if (!up) said.push(`Interface ${name} is down: \`ip link set ${name} up\` brings it up`);
    else if (!running) said.push(`Interface ${name} has no carrier`);
  }
  const belongs = describeMaster(found);
  if (belongs !== null) said.push(belongs);
  const wanted = ringBytesFor(options, ring.slotBytes);
  if (ring.memory.bytes.length <= wanted / 2) {
    said.push(
      `The kernel granted a receive ring of ${shownBytes(ring.memory.bytes.length)} where ${shownBytes(wanted)} were asked for`,
    );
  }
  const wantedToSend = sendBytesFor(options);
  if (sendBufferBytes < wantedToSend) {
    said.push(
      `The send buffer is ${shownBytes(sendBufferBytes)} where ${shownBytes(wantedToSend)} were asked for: CAP_NET_ADMIN or a larger net.core.wmem_max lifts the limit`,
    );
  }
  return said;
}

/** What a user must hear of an interface whose frames go elsewhere; null: nothing. */
export function describeMaster({ name, index }: Interface): string | null {
  const master = masterOf(index);
  // A VRF concerns layer 3 alone.
  if (master === null || master.kind === "vrf") return null;
  const what = master.kind === "" ? "" : `${master.kind} `;
  return `Interface ${name} is a port of ${what}${master.name}, which takes its frames: use ${master.name} in its place`;
}

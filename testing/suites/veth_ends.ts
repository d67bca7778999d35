// Packet links at both ends of the veth pair va, vb of a test's own namespace.

import { now } from "../../sys/clock.ts";
import { inShell } from "./in_namespace.ts";
import type { Ends } from "./link_suite.ts";
import type { Link } from "../../link/link.ts";
import { openPacketLink, type PacketLink } from "../../link/packet.ts";
import type { PacketOptions } from "../../link/packet_options.ts";

/** For the contract of a link. `close` takes queue disciplines away, too. */
export function vethEnds(
  options: Partial<PacketOptions>,
): Ends & { readonly a: PacketLink; readonly b: PacketLink } {
  inShell("ip link set va mtu 1500; ip link set vb mtu 1500");
  const a = openPacketLink({ interface: "va", ...options });
  const b = openPacketLink({ interface: "vb", ...options });
  return {
    a,
    b,
    advance: (ns) => Bun.sleepSync(ns / 1e6),
    close() {
      inShell("tc qdisc del dev va root 2>/dev/null || true");
      a.close();
      b.close();
    },
    setMtu: (mtu) => inShell(`ip link set va mtu ${mtu}; ip link set vb mtu ${mtu}`),
  };
}

/** Lets the links look at their interfaces until it does, 3 s at most. */
export function comesTrue(links: readonly Link[], condition: () => boolean): boolean {
  for (const end = now() + 3e9; !condition() && now() < end; Bun.sleepSync(2)) {
    for (const link of links) link.receive(() => {}, 0);
  }
  return condition();
}

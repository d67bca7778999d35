// Whether the small frames of a packet link leave by AF_XDP (tx_xdp.ts), as a user says it.
//
//   auto   while nothing on this host would miss them: no queue discipline, no capture (xdp_gate.ts)
//   on     always          off   never

import { expected } from "../words/failure.ts";

export const XDP_USES = ["auto", "on", "off"] as const;

export type XdpUse = (typeof XDP_USES)[number];

export function parseXdpUse(text: string, what: string): XdpUse {
  const use = XDP_USES.find((known) => known === text);
  if (use === undefined) throw expected(what, `one of ${XDP_USES.join(", ")}`, text);
  return use;
}

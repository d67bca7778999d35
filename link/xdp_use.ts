// Whether the small frames of a packet link leave by AF_XDP (tx_xdp.ts), as a user says it.
//
//   auto   while nothing on this host would miss them: no queue discipline, no capture (xdp_gate.ts)
//   on     always          off   never

export const XDP_USES = ["auto", "on", "off"] as const;

export type XdpUse = (typeof XDP_USES)[number];

// What of an interface's AoE frames a target's socket takes: no answers (P3). The kernel hands every frame to every
// socket of the EtherType, so an initiator on the same host, or another target's announcements, would
// otherwise fill the receive ring with frames that are only thrown away.
//
//   ldb [14] ─▶ response flag? ─ yes ─▶ nothing
//                              └ no ──▶ the whole frame

import { takeWhere } from "../../sys/bpf.ts";
import * as aoe from "../../wire/aoe.ts";

/** For `openPacketLink`. */
export const REQUESTS = takeWhere(aoe.VERSION_FLAGS, aoe.FLAG_RESPONSE, "clear");

/** The others. */
export const ANSWERS = takeWhere(aoe.VERSION_FLAGS, aoe.FLAG_RESPONSE, "set");

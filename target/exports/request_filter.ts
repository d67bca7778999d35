// What of an interface's AoE frames a target's socket takes: no answers (P3). The kernel hands every frame to every
// socket of the EtherType, so an initiator on the same host, or another target's announcements, would
// otherwise fill the receive ring with frames that are only thrown away.
//
//   ldb [14] ─▶ response flag? ─ yes ─▶ nothing
//                              └ no ──▶ the whole frame
import * as aoe from "../../wire/aoe.ts";
import type { PacketOptions } from "../../link/packet_options.ts";

// Classic BPF (linux/bpf_common.h).
const LOAD_BYTE = 0x30;
const JUMP_IF_SET = 0x45;
const RETURN = 0x06;
/** Bytes of a frame that are kept: all. */
const ALL = 0x4_0000;

/** For `openPacketLink`. A frame that ends before its flags is not taken either. */
export const REQUESTS: NonNullable<PacketOptions["filter"]> = [
  { code: LOAD_BYTE, jt: 0, jf: 0, k: aoe.VERSION_FLAGS },
  { code: JUMP_IF_SET, jt: 0, jf: 1, k: aoe.FLAG_RESPONSE },
  { code: RETURN, jt: 0, jf: 0, k: 0 },
  { code: RETURN, jt: 0, jf: 0, k: ALL },
];

/** The others. */
export const ANSWERS: NonNullable<PacketOptions["filter"]> = [
  { code: LOAD_BYTE, jt: 0, jf: 0, k: aoe.VERSION_FLAGS },
  { code: JUMP_IF_SET, jt: 0, jf: 1, k: aoe.FLAG_RESPONSE },
  { code: RETURN, jt: 0, jf: 0, k: ALL },
  { code: RETURN, jt: 0, jf: 0, k: 0 },
];

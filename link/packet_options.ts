// What a packet link is opened with.

import type { BpfInstruction } from "../sys/bpf.ts";
import type { XdpUse } from "./xdp_use.ts";

export interface PacketOptions {
  /** Its name, as `ip link` prints it. */
  readonly interface: string;
  /** Where frames leave, if not through `interface` (the late lab of pool.md); must be in the same namespace. */
  readonly transmitInterface?: string | undefined;
  /** EtherType; AoE's. */
  readonly protocol?: number;
  /** Memory of the receive ring in all; 4 MiB, or what `ringFrames` take. */
  readonly ringBytes?: number | undefined;
  /** How many of the longest frames the receive ring holds at least, up to 64 MiB; 128. */
  readonly ringFrames?: number;
  /** The MTU up to which a frame fits its slot without making the ring again; 9100. Less makes more, smaller slots. */
  readonly largestMtu?: number;
  /** What to ask for as socket send buffer; 4 MiB. */
  readonly sendBufferBytes?: number;
  /** Classic BPF in the kernel: frames for which it returns 0 are not received. */
  readonly filter?: readonly BpfInstruction[];
  /** Frames for other hosts come in too (marked TO_OTHER), as a NIC's address filter would not let them. */
  readonly promiscuous?: boolean;
  /** Bytes of transmit buffers that may be allocated at one time; 64 MiB. */
  readonly budgetBytes?: number;
  /** Whether small frames leave by AF_XDP (tx_xdp.ts); `auto` unless told. */
  readonly xdp?: XdpUse | undefined;
  /** Of an xdp link: send from its memory itself, where the driver can; elsewhere it is refused. */
  readonly zeroCopy?: boolean | undefined;
  /** False: another interface of that name, after the first was deleted, is none of this link's. */
  readonly follows?: boolean;
  /** A sentence for the user about what happens to the interface while it is open. */
  readonly onNotice?: (sentence: string) => void;
}

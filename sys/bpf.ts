// Classic BPF (linux/filter.h, linux/bpf_common.h): the program by which a socket says which frames it takes. A frame
// that ends before what a program looks at is not taken.

/** One instruction: struct sock_filter. */
export interface BpfInstruction {
  readonly code: number;
  /** Instructions to skip where a jump's test holds, and where not. */
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

const LOAD_HALF = 0x28;
const LOAD_BYTE = 0x30;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_SET = 0x45;
const RETURN = 0x06;

/** Bytes of a frame that are kept: all, or none. */
const ALL: BpfInstruction = { code: RETURN, jt: 0, jf: 0, k: 0x4_0000 };
const NONE: BpfInstruction = { code: RETURN, jt: 0, jf: 0, k: 0 };

/** Takes the frames whose byte at `at` has any of `bits`, or has none of them. */
export function takeWhere(
  at: number,
  bits: number,
  are: "set" | "clear",
): readonly BpfInstruction[] {
  return [
    { code: LOAD_BYTE, jt: 0, jf: 0, k: at },
    { code: JUMP_IF_SET, jt: 0, jf: 1, k: bits },
    ...(are === "set" ? [ALL, NONE] : [NONE, ALL]),
  ];
}

/** Takes the frames whose 16 bits at `at` are one of `values`. */
export function takeAnyOf(at: number, values: readonly number[]): readonly BpfInstruction[] {
  const last = values.length;
  return [
    { code: LOAD_HALF, jt: 0, jf: 0, k: at },
    ...values.map((k, index) => ({ code: JUMP_IF_EQUAL, jt: last - index, jf: 0, k })),
    NONE,
    ALL,
  ];
}

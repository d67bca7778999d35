// Names of arms and loads, and the depths that are summed up together.

export const OURS = "ours";
export const VBLADE = "vblade";
export const ECHO_RING = "echo-ring";
/** Load generators, as they come and in the mode that does not poll. */
export const LOADS = {
  ours: "load",
  c: "load in C",
  "ours-frugal": "load, frugal",
  "c-frugal": "load in C, frugal",
} as const;
export type Load = keyof typeof LOADS;
export const BUILT_IN = [OURS, VBLADE, "vblade-default", "echo-socket", ECHO_RING] as const;

export const DEEP: readonly number[] = [16, 64];
export const DEEPEST: readonly number[] = [64];
export const SHALLOW: readonly number[] = [1];

// Names of arms, and the depths that are summed up together.

export const OURS = "ours";
export const VBLADE = "vblade";
export const ECHO_RING = "echo-ring";
export const BUILT_IN = [OURS, VBLADE, "vblade-default", "echo-socket", ECHO_RING] as const;

export const DEEP: readonly number[] = [16, 64];
export const SHALLOW: readonly number[] = [1];

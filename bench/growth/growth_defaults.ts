// What `aoe bench growth` does unless told: every axis, in some five minutes.

export const GROWTH_DEFAULTS = {
  rounds: "5",
  runtime: "500ms",
  warmUp: "400ms",
  seed: "1",
} as const;

// Every way in which a command may end, once: what counts, names or writes outcomes takes them from here.

/** By outcome (command.ts: OK … OTHER_DISK): how it is called in a sentence, and the key of its count. */
const OUTCOMES = [
  { name: "ok", key: "ok" },
  { name: "ATA error", key: "ata_errors" },
  { name: "AoE error", key: "aoe_errors" },
  { name: "timeout", key: "timeouts" },
  { name: "cancelled", key: "cancelled" },
  { name: "memory lost", key: "memory_lost" },
  { name: "another disk", key: "other_disk" },
] as const;

type OutcomeKey = (typeof OUTCOMES)[number]["key"];
/** Commands by how they ended. */
export type OutcomeFigures = Readonly<Record<OutcomeKey, number>>;

/** A count for each outcome, all 0. */
export function outcomeCounts(): Float64Array {
  return new Float64Array(OUTCOMES.length);
}

export function outcomeName(outcome: number): string {
  return OUTCOMES[outcome]?.name ?? `outcome ${outcome}`;
}

/** `count` is asked once for each outcome. */
export function outcomeFigures(count: (outcome: number) => number): OutcomeFigures {
  const figures = OUTCOMES.map(({ key }, outcome) => [key, count(outcome)]);
  return Object.fromEntries(figures) as OutcomeFigures;
}

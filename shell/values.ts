// Values that this machine and the program know: interfaces, devices that answer, profiles, models, keys of a job.

import { readdirSync } from "node:fs";

import { KEYS } from "../bench/job/keys.ts";
import { RECLAIM_FORMS } from "../link/reclaim_model.ts";
import { STAGE_FORMS } from "../target/service/model.ts";
import { profileNames } from "../target/service/profile.ts";
import type { OptionRow } from "../words/option.ts";
import { type Candidate, type Candidates, FILES, type Values } from "./complete.ts";

/** So long that a lab's target has answered, so short that nobody thinks the shell hangs. */
const WAIT = "300ms";

const OF_FILES = new Set(["file", "path", "dir", "folder", "job", "results", "result", "source"]);

/** `delay:` of `delay:T`: what a parser takes first. */
const heads = (forms: readonly string[]): readonly string[] =>
  forms.map((form) => /^[^:]*:?/.exec(form)?.[0] ?? form);

const MODELS: Readonly<Record<string, readonly string[]>> = {
  "--service": heads(STAGE_FORMS),
  "--reclaim": heads(RECLAIM_FORMS),
  "--faults": ["tx:", "rx:"],
};

const plain = (values: readonly string[]): Candidate[] =>
  values.map((value) => ({ value, about: "" }));

function interfaces(): Candidate[] {
  return plain(readdirSync("/sys/class/net").toSorted());
}

/** What answers on the interfaces that the line names; in a lab, on its near end. */
async function devices(words: readonly string[]): Promise<Candidate[]> {
  const named = words.flatMap((word, at) =>
    ["-i", "--interface"].includes(words[at - 1] ?? "") ? [word] : [],
  );
  const near = process.env["AOE_LAB_A"];
  const on = named.length > 0 ? named : near === undefined ? [] : [near];
  if (on.length === 0) return [];
  const { openInitiator } = await import("../initiator/library.ts");
  await using initiator = await openInitiator({ interface: on });
  return (await initiator.discover({ wait: WAIT })).map(({ address, identity }) => ({
    value: address,
    about: identity.model,
  }));
}

function jobKeys(begun: string): Candidate[] {
  const [, key, before] = /^(\w+)=(.*?)[^|]*$/.exec(begun) ?? [];
  const rows: Readonly<Record<string, OptionRow>> = KEYS;
  const choices = key === undefined ? undefined : rows[key]?.type.choices;
  if (choices !== undefined) return plain(choices.map((value) => `${key}=${before}${value}`));
  return Object.entries(rows).map(([name, { help }]) => ({ value: `${name}=`, about: help }));
}

export function valuesFor(words: readonly string[]): Values {
  return async (name, hint): Promise<Candidates> => {
    if (name === "--set") return jobKeys(words.at(-1) ?? "");
    if (name === "--profile") return plain(profileNames());
    const models = MODELS[name];
    if (models !== undefined) return plain(models);
    if (hint === "if" || hint === "interface") return interfaces();
    // Nobody may be asked, or nobody answers: a shell says nothing then.
    if (hint === "device" || name === "address") return devices(words).catch(() => []);
    return OF_FILES.has(hint) ? FILES : [];
  };
}

// The form of a job file as JSON Schema, from the table of keys, for editors that check TOML (`aoe bench schema job`).

import { withChoices, type OptionRow } from "../../words/option.ts";
import { isSingle, KEY_NAMES, type KeyName, KEYS } from "./keys.ts";

/** A text or a number; a list varies it, and a table gives the values names. */
function schemaOf(name: KeyName) {
  const row: OptionRow = KEYS[name];
  const scalar =
    row.type.choices === undefined
      ? { type: ["string", "number"] }
      : { enum: [...row.type.choices] };
  return {
    description: withChoices(row),
    default: row.default,
    ...(isSingle(name)
      ? scalar
      : {
          anyOf: [
            scalar,
            { type: "array", items: scalar, minItems: 1 },
            { type: "object", additionalProperties: scalar, minProperties: 1 },
          ],
        }),
  };
}

export function jobSchema(): object {
  const texts = { type: "string" };
  const section = {
    type: "object",
    properties: {
      ...Object.fromEntries(KEY_NAMES.map((name) => [name, schemaOf(name)])),
      thresholds: {
        description: "what a run has to keep, such as lat.p99<2ms",
        anyOf: [texts, { type: "array", items: texts }],
      },
    },
    additionalProperties: false,
  };
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "aoe bench run: job file",
    type: "object",
    $defs: { section },
    properties: {
      global: { description: "inherited by all jobs", $ref: "#/$defs/section" },
    },
    additionalProperties: { description: "a job", $ref: "#/$defs/section" },
  };
}

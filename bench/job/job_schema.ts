// The form of a job file as JSON Schema, from the table of keys, for editors that check TOML (`aoe bench schema job`).

import { withChoices, type OptionRow } from "../../words/option.ts";
import { HOST_KEYS } from "./hosts.ts";
import { isSingle, KEY_NAMES, type KeyName, KEYS } from "./keys.ts";

function scalarOf({ type: { choices } }: OptionRow): object {
  return choices === undefined ? { type: ["string", "number"] } : { enum: [...choices] };
}

/** A text or a number; a list varies it, and a table gives the values names. */
function schemaOf(name: KeyName) {
  const row: OptionRow = KEYS[name];
  const scalar = scalarOf(row);
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
  const keys = Object.entries(HOST_KEYS).map(([name, row]: [string, OptionRow]) => [
    name,
    { description: withChoices(row), ...scalarOf(row) },
  ]);
  const host = {
    type: "object",
    properties: Object.fromEntries(keys) as Readonly<Record<string, object>>,
    additionalProperties: false,
  };
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "aoe bench run: job file",
    type: "object",
    $defs: { section, host },
    properties: {
      hosts: {
        description: "where targets and loads run: keys for every host, and a table for each",
        type: "object",
        properties: host.properties,
        additionalProperties: { $ref: "#/$defs/host" },
      },
      global: { description: "inherited by all jobs", $ref: "#/$defs/section" },
    },
    additionalProperties: { description: "a job", $ref: "#/$defs/section" },
  };
}

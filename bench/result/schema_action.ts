// `aoe bench schema`: the published form of a result, as JSON Schema (docs/result.schema.json).

import { toJsonSchema } from "@valibot/to-json-schema";
import { RunSchema } from "./result.ts";
import { SCHEMA_VERSION } from "../machine/schema.ts";

export function resultSchema(): string {
  const schema = toJsonSchema(RunSchema, { target: "draft-2020-12" });
  return `${JSON.stringify({ title: `aoe bench run: result, schema version ${SCHEMA_VERSION}`, ...schema }, null, 2)}\n`;
}

export function schemaAction(): number {
  process.stdout.write(resultSchema());
  return 0;
}

// `aoe bench schema`: the published form of a result (docs/result.schema.json) or of a job file, as JSON Schema.

import { toJsonSchema } from "@valibot/to-json-schema";
import { expected } from "../../words/failure.ts";
import { jobSchema } from "../job/job_schema.ts";
import { RunSchema } from "./result.ts";
import { SCHEMA_VERSION } from "../machine/schema.ts";

export function resultSchema(): string {
  const schema = toJsonSchema(RunSchema, { target: "draft-2020-12" });
  return `${JSON.stringify({ title: `aoe bench run: result, schema version ${SCHEMA_VERSION}`, ...schema }, null, 2)}\n`;
}

export function schemaAction(what: string): void {
  if (what !== "result" && what !== "job") throw expected("[what]", "result or job", what);
  const text = what === "job" ? `${JSON.stringify(jobSchema(), null, 2)}\n` : resultSchema();
  process.stdout.write(text);
}

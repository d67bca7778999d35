// `fit:FILE`: the model that `aoe bench pins -o FILE` found, as `--reclaim` and a job take it.

import { readFileSync } from "node:fs";
import { cantRead } from "../words/file_error.ts";
import { usage } from "../words/failure.ts";

/** The words of the model in a result of `aoe bench pins`; of several links the first. */
export function readFit(path: string): string {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw cantRead(path, error);
  }
  try {
    const { links } = JSON.parse(text) as { links: { fit: { model: unknown } }[] };
    const model = links[0]?.fit.model;
    if (typeof model === "string" && !model.startsWith("fit:")) return model;
  } catch {}
  throw usage(`${path}: Expected a result of \`aoe bench pins\`, got something without a fit`);
}

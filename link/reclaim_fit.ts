// `fit:FILE`: the model that `aoe bench pins -o FILE` found, as `--reclaim` and a job take it.

import { readText } from "../sys/read_text.ts";
import { usage } from "../words/failure.ts";

/** The words of the model in a result of `aoe bench pins`; of several links the first. */
export function readFit(path: string): string {
  const text = readText(path, "the fit");
  try {
    const { links } = JSON.parse(text) as { links: { fit: { model: unknown } }[] };
    const model = links[0]?.fit.model;
    if (typeof model === "string" && !model.startsWith("fit:")) return model;
  } catch {}
  throw usage(`${path}: Expected a result of \`aoe bench pins\`, got something without a fit`);
}

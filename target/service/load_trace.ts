// The trace files that a service model or a fault plan names.

import { isAbsolute, join } from "node:path";

import { readText } from "../../sys/read_text.ts";

export function loadTrace(path: string): string {
  return readText(path, "the trace");
}

/** `path`, which begins at `folder` where it is relative. */
export function placed(folder: string, path: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}

/** A service model or a fault plan, with each relative path of a trace in it beginning at `folder`. */
export function placeTraces(folder: string, text: string): string {
  return text.replaceAll(
    /(delay:\s*trace\/)([^,]+)/g,
    (_, head: string, path: string) => head + placed(folder, path.trim()),
  );
}

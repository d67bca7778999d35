// Colour and weight of text on a terminal, unless NO_COLOR (no-color.org) is set.

import { styleText } from "node:util";

export type Format = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";
export type Style = (format: Format, text: string) => string;

export const PLAIN: Style = (_, text) => text;

export function styleOf(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>> = process.env,
): Style {
  const { NO_COLOR: no = "", TERM: terminal } = env;
  if (stream.isTTY !== true || no !== "" || terminal === "dumb") return PLAIN;
  return (format, text) => (text === "" ? "" : styleText(format, text, { validateStream: false }));
}

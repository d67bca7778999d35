// Text from a wire or a file, as it may be shown: what would steer a terminal or reorder a line is escaped.
//
//   ESC [ 2 J            \x1b[2J        C0 and C1 controls, DEL, line ends and tabs too
//   U+202E               \u{202e}       format characters (bidirectional, invisible), line separators,
//                                       halves of surrogates, code points that nobody has assigned
//   bytes that are no    a\xff          each byte beyond ASCII
//   UTF-8
//
// Everything else stays as it is, a backslash too: the form is for readers. Programs read JSON, where the
// same characters are escaped as JSON does, so that a parser returns the text unchanged.

const UNSAFE = /[\p{C}\p{Zl}\p{Zp}]/gu;
const UNSAFE_BUT_LINE_ENDS = /[\p{Zl}\p{Zp}]|(?!\n)\p{C}/gu;

/** `text` in one line that moves no cursor. */
export function printable(text: string): string {
  return text.replace(UNSAFE, escaped);
}

/** The same for a text of several lines: line ends stay. */
export function printableLines(text: string): string {
  return text.replace(UNSAFE_BUT_LINE_ENDS, escaped);
}

/** Bytes as text: UTF-8, or ASCII with all other bytes escaped where they are none. */
export function printableBytes(bytes: Uint8Array): string {
  try {
    return printable(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return Array.from(bytes, (byte) =>
      byte < 0x80 ? printable(String.fromCharCode(byte)) : hex(byte),
    ).join("");
  }
}

/** `value`, made of what JSON has, with every text in it printable, keys too. */
export function printableTexts<T>(value: T): T {
  return mapped(value) as T;
}

function mapped(value: unknown): unknown {
  if (typeof value === "string") return printable(value);
  if (Array.isArray(value)) return value.map(mapped);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [printable(key), mapped(each)]),
  );
}

/** JSON that parses to `value` and holds no character that steers a terminal. */
export function printableJson(value: unknown, indent?: number): string {
  // Between its texts JSON has line ends alone, and those of texts are escaped already.
  return JSON.stringify(value, null, indent).replace(UNSAFE_BUT_LINE_ENDS, jsonEscaped);
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? hex(code) : `\\u{${code.toString(16)}}`;
}

function jsonEscaped(character: string): string {
  return Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`,
  ).join("");
}

function hex(code: number): string {
  return `\\x${code.toString(16).padStart(2, "0")}`;
}

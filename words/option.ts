// Options as rows of a table, as fio's option table has them: type, default, unit, help. A row stands once, in the
// module whose code uses its value; a group of rows is a table, and where an option may be given is which tables hold
// it. From a table come the command line (command_options.ts), the keys of a job, the options of the library, the
// help, the tables of the manual, the JSON Schema of a job file and the data for a shell's completion.
//
//   row   ramp_time: { type: duration, default: "200ms", help: "…" }
//         --ramp-time <duration>     ramp_time = "200ms"     values.rampTime, ns
//
// A text is parsed once. Every fault is the usage Failure that names the option as it was given.

import { expected } from "./failure.ts";
import { parseDuration, parseInteger, parseSize } from "./quantity.ts";

export interface OptionType<T> {
  /** What stands for a value in help; "": a flag, on by being named. */
  readonly hint: string;
  /** Several values with commas between them; a file may have a list. */
  readonly list?: true;
  /** Every value, where they can be listed. */
  readonly choices?: readonly string[];
  /** Throws the usage Failure that names `what`. */
  readonly parse: (text: string, what: string) => T;
}

export interface OptionRow {
  readonly type: OptionType<unknown>;
  /** The text that holds where none is given; "": none, and an empty text says so. Absent: none, and it can't be said. */
  readonly default?: string;
  /** What holds where none is given, if no text of the option says it. */
  readonly usual?: string;
  /** In place of the type's hint: what a number counts. */
  readonly unit?: string;
  readonly help: string;
  /** One letter. */
  readonly short?: string;
  /** May be given again, for one more value. */
  readonly many?: true;
}

/** By name, words joined by `_`. */
export type OptionTable = Readonly<Record<string, OptionRow>>;

type Camel<Name extends string> = Name extends `${infer First}_${infer Rest}`
  ? `${First}${Capitalize<Camel<Rest>>}`
  : Name;

/** What a row's text becomes. */
export type OptionValue<Row extends OptionRow> =
  Row["type"] extends OptionType<infer T>
    ? Row extends { readonly many: true }
      ? readonly T[]
      : Row extends { readonly default: infer Text }
        ? "" extends Text
          ? T | undefined
          : T
        : T | undefined
    : never;

/** The values of a table, under names as a program has them. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table & string as Camel<Name>]: OptionValue<Table[Name]>;
};

/** As commander or a program gives them, before they are parsed. */
export type RawOptions<Table extends OptionTable> = {
  readonly [Name in keyof Table & string as Camel<Name>]?:
    | (Table[Name] extends { readonly many: true }
        ? readonly string[]
        : Table[Name]["type"] extends OptionType<boolean>
          ? boolean
          : string)
    | undefined;
};

type Given = Readonly<Record<string, unknown>>;

export const duration: OptionType<number> = { hint: "duration", parse: parseDuration };

export const positiveDuration: OptionType<number> = {
  hint: "duration",
  parse(text, what) {
    // A program without types may give anything.
    if (typeof text !== "string") throw expected(what, "a text such as `2s`", text);
    const ns = parseDuration(text, what);
    if (ns > 0) return ns;
    throw expected(what, "a duration above 0", text);
  },
};

export const size: OptionType<number> = { hint: "size", parse: parseSize };

export const word: OptionType<string> = { hint: "text", parse: (text) => text };

export const path: OptionType<string> = { hint: "file", parse: (text) => text };

export function integer(least?: number, most?: number): OptionType<number> {
  return { hint: "n", parse: (text, what) => parseInteger(text, what, least, most) };
}

/** Texts with commas between them, each value once; `least` to `most` of them. */
export function listOf<T>(
  { hint, choices, parse }: OptionType<T>,
  most = Infinity,
  least = 0,
): OptionType<readonly T[]> {
  return {
    hint: `${hint},…`,
    list: true,
    ...(choices === undefined ? {} : { choices }),
    parse(text, what) {
      const texts = text.split(",").map((one) => one.trim());
      const given = texts.filter((one) => one !== "");
      if (given.length > most) throw expected(what, `at most ${most} values`, given.length);
      if (given.length < least) throw expected(what, "a list that is not empty", text);
      return [...new Set(given.map((one) => parse(one, what)))];
    },
  };
}

export function choice<const T extends string>(choices: readonly T[], hint: string): OptionType<T> {
  return {
    hint,
    choices,
    parse(text, what) {
      const found = choices.find((one) => one === text);
      if (found === undefined) throw expected(what, `one of ${choices.join(", ")}`, text);
      return found;
    },
  };
}

/** Off unless it is named; in a job `on` or `off`. */
export const flag: OptionType<boolean> = {
  hint: "",
  choices: ["on", "off"],
  parse(text, what) {
    if (text !== "on" && text !== "off") throw expected(what, "one of on, off", text);
    return text === "on";
  },
};

/** `ramp_time` as a program has it: `rampTime`. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** `ramp_time` as it is typed: `--ramp-time`. */
export function dashed(name: string): string {
  return `--${name.replaceAll("_", "-")}`;
}

/** What a row means and what it may be. */
export function withChoices({ help, type: { choices } }: OptionRow): string {
  return choices === undefined ? help : `${help} (${choices.join(", ")})`;
}

/** As the help of a command line has it: a flag is off where it is not named. */
export function helpOf(row: OptionRow): string {
  if (row.type.hint === "") return row.help;
  const usual = row.default === undefined || row.default === "" ? row.usual : row.default;
  return `${withChoices(row)}${usual === undefined ? "" : ` (default ${usual})`}`;
}

/** The value of one row from its text; `what` names it in a Failure. */
export function parseOption<Row extends OptionRow>(
  row: Row,
  text: string,
  what: string,
): OptionValue<Row> {
  // The type of `parse`, which the row's own type has and `OptionRow` has not.
  return (
    text === "" && row.default === "" ? undefined : row.type.parse(text, what)
  ) as OptionValue<Row>;
}

/** The text that holds for a row: what was given, else its default; undefined: none. */
function textOf(row: OptionRow, given: unknown): string | undefined {
  if (given === undefined) return row.default;
  if (typeof given === "boolean") return given ? "on" : "off";
  return given as string;
}

/** All values of a table, each text parsed; names that the table doesn't have are passed over. */
export function parseOptions<Table extends OptionTable>(
  table: Table,
  given: RawOptions<Table>,
): OptionValues<Table> {
  const values = Object.entries(table).map(([name, row]) => {
    const key = camelCase(name);
    const own = (given as Given)[key];
    if (row.many === true) {
      const texts = (own ?? []) as readonly string[];
      return [key, texts.map((text) => row.type.parse(text, dashed(name)))];
    }
    const text = textOf(row, own);
    return [key, text === undefined ? undefined : parseOption(row, text, dashed(name))];
  });
  // Entry by entry what the mapped type says.
  return Object.fromEntries(values) as OptionValues<Table>;
}

/** The text of each row that has one, by its name in the table. */
export function optionTexts<Table extends OptionTable>(
  table: Table,
  given: RawOptions<Table>,
): Readonly<Record<string, string>> {
  const texts = Object.entries(table).flatMap(([name, row]) => {
    const text = textOf(row, (given as Given)[camelCase(name)]);
    return text === undefined ? [] : [[name, String(text)] as const];
  });
  return Object.fromEntries(texts);
}

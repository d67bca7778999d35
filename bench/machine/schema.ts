// What every result's schema is written with: its version, and the kinds of values that stand in it.

import * as v from "valibot";

/**
 * Raised when a key changes its meaning or goes; a new key alone does not raise it.
 * 2: what was measured of no command is null, no longer 0; a cell's `median` is one of each figure over its trials, no
 * longer that of a single trial (upgrade.ts reads what 1 has).
 */
export const SCHEMA_VERSION = 2;

export const about = <T extends v.GenericSchema>(schema: T, text: string) =>
  v.pipe(schema, v.description(text));

export const number = (text: string) => about(v.number(), text);

export const count = number;

/** Of commands that ended: null where none did. */
export const time = (text: string) =>
  about(v.nullable(v.number()), `${text}; null: no command ended`);

export const text = (what: string) => about(v.string(), what);

export type Deep<T> = T extends readonly (infer U)[]
  ? readonly Deep<U>[]
  : T extends object
    ? { readonly [K in keyof T]: Deep<T[K]> }
    : T;

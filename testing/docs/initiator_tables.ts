// The table of docs/initiator.md, made from the options that it describes. `bun testing/docs/initiator_tables.ts` writes
// it into the page, between its marks; a test holds the page to it.

import { SESSION_OPTIONS } from "../../initiator/session/session_table.ts";
import { optionRows, writeTables } from "./target_tables.ts";

export const PAGE = `${import.meta.dir}/../../docs/initiator.md`;

export function initiatorTables(): Record<string, string> {
  return { "session options": optionRows(SESSION_OPTIONS) };
}

if (import.meta.main) await writeTables(PAGE, initiatorTables());

// Another target in the simulation, which claims an address for a while: its disk is another one, of another size
// and serial number, and nobody may ever get a byte of it or leave one there.

import type { Link } from "../../link/link.ts";
import type { Core } from "../../link/loop.ts";
import { Export } from "../../target/protocol/export.ts";
import type { Store } from "../../target/stores/store.ts";
import { createMemoryStore } from "../../target/stores/memory.ts";
import { Target } from "../../target/protocol/target.ts";
import { Violation } from "./violation.ts";

/** Larger than any disk of a scenario. */
const SECTORS = 999;

/** A core that serves e(`device` + 1).0 by `link`. */
export function createRival(device: number, link: Link): Core {
  const strange = (what: string) => (): number => {
    throw new Violation(
      "store",
      `${what} reached a target that only claims the address of ${device}`,
    );
  };
  const inner = createMemoryStore(SECTORS);
  const changes: Partial<Store> = {
    read: strange("a read"),
    write: strange("a write"),
    flush: strange("a flush"),
  };
  const store = Object.assign(Object.create(inner) as Store, changes);
  const target = new Target();
  target.addExport(new Export({ major: device + 1, minor: 0, store, serial: "a rival" }));
  target.addPort(link, "rival");
  return target;
}

// What a tag costs in its life: taken, found by its answer and given back, with so many others out.

import { Tags } from "../../initiator/protocol/tags.ts";
import { createRandom } from "../../words/random.ts";
import type { MicroCase } from "./micro_case.ts";

const OUT = [1, 64, 4096] as const;

export const TAG_CASES: readonly MicroCase[] = OUT.map((out) => ({
  name: `tags ${out}`,
  about: `a tag taken, and the oldest of ${out} found and given back`,
  make() {
    const tags = new Tags(createRandom(1));
    const ring = Float64Array.from({ length: out }, (_, slot) => tags.take(slot, false));
    let at = 0;
    return () => {
      const oldest = ring[at] as number;
      const slot = tags.find(oldest);
      if (slot !== at) throw new Error(`invariant: tag ${oldest} stands for ${at}, not ${slot}`);
      tags.give(oldest);
      ring[at] = tags.take(at, (at & 1) === 1);
      at = at + 1 === out ? 0 : at + 1;
    };
  },
}));

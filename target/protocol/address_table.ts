// Exports by shelf and slot, as every frame looks for one: a small map of shelves and an array of slots,
// where one map of thousands of addresses misses the processor's caches at each step.
//
//   shelves: major ─▶ [ slot 0 | slot 1 | … ]

import type { Export } from "./export.ts";

export class AddressTable {
  private readonly shelves = new Map<number, (Export | undefined)[]>();

  get(major: number, minor: number): Export | undefined {
    const shelf = this.shelves.get(major);
    return shelf === undefined ? undefined : shelf[minor];
  }

  set(owner: Export): void {
    let shelf = this.shelves.get(owner.major);
    if (shelf === undefined) {
      shelf = [];
      this.shelves.set(owner.major, shelf);
    }
    // Filled from the start: an array with holes would be a map again.
    for (let minor = shelf.length; minor <= owner.minor; minor++) shelf.push(undefined);
    shelf[owner.minor] = owner;
  }

  delete({ major, minor }: Export): void {
    const shelf = this.shelves.get(major);
    if (shelf !== undefined) shelf[minor] = undefined;
  }
}

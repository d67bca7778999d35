// An interface whose link can't be watched is as one that can't be opened: nothing of it stays.

import { expect, test } from "bun:test";

import type { Link } from "../../link/link.ts";
import { environment } from "../../words/failure.ts";
import { Interfaces } from "./interfaces.ts";
import type { Target } from "../protocol/target.ts";

test("a descriptor that can't be watched closes its link, once, and the target never hears of it", () => {
  const watched = new Set<number>();
  const said: string[] = [];
  let closed = 0;
  const link: Partial<Link> = { fds: [1001, 1002], mtu: 1500, close: () => closed++ };
  const target: Partial<Target> = { addPort: () => expect.unreachable() };
  const interfaces = new Interfaces({
    target: target as Target,
    waiter: {
      add(fd) {
        if (fd === 1002) throw environment("can't watch a descriptor: ENOSPC");
        watched.add(fd);
      },
      remove: (fd) => watched.delete(fd),
    },
    open: () => link as Link,
    say: (sentence) => said.push(sentence),
  });
  const before = [...watched];
  expect(before.length).toBe(1);
  expect(() => interfaces.add("lo")).toThrow("ENOSPC");
  expect([...watched]).toEqual(before);
  expect(closed).toBe(1);
  interfaces.want([]);
  interfaces.want(["lo"]);
  expect(closed).toBe(2);
  expect(interfaces.missing).toEqual(["lo"]);
  expect(said).toEqual(["can't watch a descriptor: ENOSPC; waiting for it"]);
  interfaces.shut();
  expect([closed, watched.size]).toEqual([2, 0]);
});

// --pool, --pool-prealloc, --pool-cap and --kick: what is taken, and what is said about the rest.

import { describe, expect, test } from "bun:test";
import { EXIT, Failure } from "../../words/failure.ts";
import { MS } from "../../words/quantity.ts";
import { STRATEGIES } from "./buffer_pool.ts";
import { parseOptions, type RawOptions } from "../../words/option.ts";
import { POOL_OPTIONS } from "./options.ts";

const parse = (texts: RawOptions<typeof POOL_OPTIONS>) => parseOptions(POOL_OPTIONS, texts);

describe("the pool's options", () => {
  test("without options: completion, 16, 256, 100 ms", () => {
    expect(parse({})).toEqual({
      pool: "completion",
      poolPrealloc: 16,
      poolCap: 256,
      kick: 100 * MS,
    });
  });

  test("takes every strategy by its name", () => {
    for (const pool of STRATEGIES) expect(parse({ pool }).pool).toBe(pool);
  });

  test("takes numbers, and a kick as a duration or on release", () => {
    const some = { pool: "fixed", poolPrealloc: "8", poolCap: "0", kick: "1ms" };
    expect(parse(some)).toEqual({ pool: "fixed", poolPrealloc: 8, poolCap: 0, kick: MS });
    expect(parse({ kick: "on-release" }).kick).toBe("on-release");
  });

  const WRONG: readonly (readonly [object, string])[] = [
    [{ pool: "lifo" }, "`--pool` to be one of fixed, scan-swap, lifo-swap"],
    [{ poolPrealloc: "0" }, "`--pool-prealloc`"],
    [{ poolPrealloc: "many" }, "`--pool-prealloc`"],
    [{ poolCap: "-1" }, "`--pool-cap`"],
    [{ kick: "100" }, "`--kick` to be a duration > 0 with a unit (us, ms, s), or on-release"],
    [{ kick: "0ms" }, "`--kick`"],
  ];
  for (const [texts, message] of WRONG) {
    test(`${JSON.stringify(texts)} is a usage error`, () => {
      let failure: unknown = null;
      try {
        parse(texts);
      } catch (error) {
        failure = error;
      }
      if (!(failure instanceof Failure)) throw new Error("no Failure", { cause: failure });
      expect(failure.exitCode).toBe(EXIT.usage);
      expect(failure.message).toContain(message);
    });
  }
});

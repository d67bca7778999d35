import { expect, test } from "bun:test";
import { Command } from "../../initiator/protocol/command.ts";
import { Failure } from "../../words/failure.ts";
import { createRandom } from "../../words/random.ts";
import { type Order, ORDERS, Workload } from "./workload.ts";
import { READ, WRITE } from "../../initiator/protocol/operation.ts";

const DEVICE = 1 << 20;
const spec = (rw: Order, more = {}) => ({
  rw,
  bs: 4096,
  offset: 0,
  size: 0,
  rwmixread: 50,
  ...more,
});

function draw(workload: Workload, count: number): [number, number, number][] {
  const command = new Command();
  return Array.from({ length: count }, () => {
    workload.next(command);
    return [command.operation, command.lba, command.sectors];
  });
}

test("sequential orders go block by block and wrap", () => {
  const workload = new Workload(
    spec("write", { offset: 8192, size: 3 * 4096 + 512 }),
    DEVICE,
    createRandom(1),
  );
  expect(workload.blocks).toBe(3);
  expect(draw(workload, 4)).toEqual([
    [WRITE, 16, 8],
    [WRITE, 24, 8],
    [WRITE, 32, 8],
    [WRITE, 16, 8],
  ]);
});

test("a mixed sequential order keeps a place for each direction", () => {
  const drawn = draw(new Workload(spec("rw"), DEVICE, createRandom(2)), 200);
  for (const direction of [READ, WRITE]) {
    const lbas = drawn.filter(([operation]) => operation === direction).map(([, lba]) => lba);
    expect(lbas.length).toBeGreaterThan(50);
    for (const [index, lba] of lbas.entries()) expect(lba).toBe(index * 8);
  }
});

test.each(ORDERS.filter((order) => order.startsWith("rand")))(
  "%s stays on blocks inside the region and reaches both ends",
  (rw) => {
    const workload = new Workload(
      spec(rw, { offset: 4096, size: 16 * 4096 }),
      DEVICE,
      createRandom(3),
    );
    const lbas = draw(workload, 2000).map(([, lba]) => lba);
    for (const lba of lbas) {
      expect(lba % 8).toBe(0);
      expect(lba).toBeGreaterThanOrEqual(8);
      expect(lba).toBeLessThan(8 + 16 * 8);
    }
    expect(new Set(lbas).size).toBe(16);
  },
);

test("one seed is one sequence; another seed is another", () => {
  const of = (seed: number) => draw(new Workload(spec("randrw"), DEVICE, createRandom(seed)), 100);
  expect(of(7)).toEqual(of(7));
  expect(of(7)).not.toEqual(of(8));
});

test("rwmixread is the share of reads", () => {
  for (const rwmixread of [0, 30, 100]) {
    const drawn = draw(
      new Workload(spec("randrw", { rwmixread }), DEVICE, createRandom(4)),
      10_000,
    );
    const share = drawn.filter(([operation]) => operation === READ).length / 100;
    expect(Math.abs(share - rwmixread)).toBeLessThanOrEqual(rwmixread % 100 === 0 ? 0 : 2);
  }
});

test.each([
  ["a block that is no multiple of 512", { bs: 1000 }, "--bs"],
  ["a region behind the end", { offset: 4096, size: DEVICE }, "--size"],
  ["a region smaller than a block", { size: 512 }, "--size"],
  ["an offset inside a sector", { offset: 100 }, "--offset"],
])("%s is a usage failure that names the option", (_, more, option) => {
  const make = () => new Workload(spec("read", more), DEVICE, createRandom(1));
  expect(make).toThrow(Failure);
  expect(make).toThrow(option);
});

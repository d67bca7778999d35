import { expect, test } from "bun:test";

import { createRandom } from "../../words/random.ts";
import { Command } from "./command.ts";
import { CommandQueue } from "./command_queue.ts";

test("does what a plain array does", () => {
  const random = createRandom(7);
  const queue = new CommandQueue();
  const side = new CommandQueue();
  let model: Command[] = [];
  let sideModel: Command[] = [];
  const spare: Command[] = Array.from({ length: 40 }, () => new Command());
  for (let step = 0; step < 20_000; step++) {
    const kind = random.below(5);
    if (kind === 0 && spare.length > 0) {
      const command = spare.pop() as Command;
      queue.push(command);
      model.push(command);
    } else if (kind === 1) {
      const command = queue.shift();
      expect(command).toBe(model.shift() ?? null);
      if (command !== null) {
        side.push(command);
        sideModel.push(command);
      }
    } else if (kind === 2 && random.below(4) === 0) {
      queue.prepend(side);
      model = [...sideModel, ...model];
      sideModel = [];
    } else if (kind === 3 && model.length > 0) {
      const command = model[random.below(model.length)] as Command;
      expect(queue.remove(command)).toBe(true);
      expect(queue.remove(command)).toBe(false);
      model = model.filter((each) => each !== command);
      spare.push(command);
    }
    expect(queue.size).toBe(model.length);
    expect(queue.first).toBe(model[0] ?? null);
  }
});

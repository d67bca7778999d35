// Commands in the order in which they came, linked through themselves: no allocation, no bound.

import type { Command } from "./command.ts";

export class CommandQueue {
  first: Command | null = null;
  size = 0;
  private last: Command | null = null;

  push(command: Command): void {
    command.next = null;
    if (this.last === null) this.first = command;
    else this.last.next = command;
    this.last = command;
    this.size++;
  }

  /** Takes the first one out. */
  shift(): Command | null {
    const command = this.first;
    if (command === null) return null;
    this.first = command.next;
    if (this.first === null) this.last = null;
    command.next = null;
    this.size--;
    return command;
  }

  /** Puts all of `other` in front, in its order, and leaves it empty. */
  prepend(other: CommandQueue): void {
    if (other.last === null) return;
    other.last.next = this.first;
    if (this.last === null) this.last = other.last;
    this.first = other.first;
    this.size += other.size;
    other.first = null;
    other.last = null;
    other.size = 0;
  }

  /** Takes `command` out wherever it stands; false: it is not here. Walks the queue. */
  remove(command: Command): boolean {
    let before: Command | null = null;
    for (let each = this.first; each !== null; before = each, each = each.next) {
      if (each !== command) continue;
      if (before === null) this.first = each.next;
      else before.next = each.next;
      if (this.last === each) this.last = before;
      each.next = null;
      this.size--;
      return true;
    }
    return false;
  }
}

import { expect, test } from "bun:test";
import { type Settings, SettingsJournal, type SettingsWorld } from "./settings_journal.ts";

/** A driver with settings, and a disk for the journal. */
class Machine implements SettingsWorld {
  boot = "boot-1";
  now: Record<string, string> = { "tx-usecs": "72", "tx-frames": "53", "rx-usecs": "20" };
  disk: string | null = null;
  readonly done: string[] = [];
  refuses = false;
  time = () => "14:02";
  read = (): Settings => ({ ...this.now });
  write = (settings: Settings): void => {
    if (this.refuses) throw new Error("refused");
    this.done.push(`write ${JSON.stringify(settings)}`);
    Object.assign(this.now, settings);
  };
  load = () => this.disk;
  store = (journal: string | null): void => {
    this.done.push(journal === null ? "forget" : "journal");
    this.disk = journal;
  };
}

test("what was is written down before it is changed, and put back at the end", () => {
  const machine = new Machine();
  const journal = new SettingsJournal(machine);
  expect(journal.recover()).toBeNull();
  expect(journal.set({ "tx-usecs": "500" })["tx-usecs"]).toBe("500");
  expect(machine.done).toEqual(["journal", 'write {"tx-usecs":"500"}']);
  journal.set({ "tx-usecs": "1000", "tx-frames": "5" });
  expect(journal.putBack()).toEqual({ "tx-usecs": "72", "tx-frames": "53" });
  expect(machine.now).toEqual({ "tx-usecs": "72", "tx-frames": "53", "rx-usecs": "20" });
  expect(machine.disk).toBeNull();
  expect(journal.putBack()).toBeNull();
});

test("the next run finds the journal of one that was killed, and puts back", () => {
  const machine = new Machine();
  new SettingsJournal(machine).set({ "tx-usecs": "500" });
  const found = new SettingsJournal(machine).recover();
  expect(found?.since).toBe("14:02");
  expect(found?.before).toEqual({ "tx-usecs": "72" });
  expect(machine.now["tx-usecs"]).toBe("72");
  expect(machine.disk).toBeNull();
});

test("a refused change is put back too, and a setting that the driver lacks is not", () => {
  const machine = new Machine();
  const journal = new SettingsJournal(machine);
  machine.refuses = true;
  expect(() => journal.set({ "tx-usecs": "0", "tx-frames-irq": "9" })).toThrow("refused");
  machine.refuses = false;
  expect(journal.putBack()).toEqual({ "tx-usecs": "72" });
});

test.each([
  ["of another boot", JSON.stringify({ boot: "boot-0", since: "1", before: { "tx-usecs": "1" } })],
  ["half written", '{"boot":"boot-1","bef'],
])("a journal %s changes nothing", (_, text) => {
  const machine = new Machine();
  machine.disk = text;
  expect(new SettingsJournal(machine).recover()).toBeNull();
  expect(machine.now["tx-usecs"]).toBe("72");
});

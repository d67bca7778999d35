// Before the first rule: who the device is, who else is there, and what it lacks for some tests. Nothing is changed
// here but one sector of scratch, by `prepare`.

import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import { isError } from "../../wire/frame.ts";
import * as identify from "../../wire/identify.ts";
import { BROADCAST, formatMac, isGroup } from "../../wire/mac.ts";
import { isMalformed } from "../../wire/malformed.ts";
import * as mask from "../../wire/mask.ts";
import * as reserve from "../../wire/reserve.ts";
import { configFrame, discovery } from "../doubles/probe.ts";
import { type Address, formatAddress } from "../../words/address.ts";
import { environment, failed, notFound } from "../../words/failure.ts";
import { shownTime } from "../../words/shown.ts";
import { Interrupted, type Turn } from "./ending.ts";
import { type Ability, type Facts, type Permits, SCRATCH } from "./facts.ts";
import type { Answer, Prober } from "./prober.ts";
import { masks, masksIn, members, membersIn, setString, text } from "./state.ts";
import { isGood, Subject, tell } from "./subject.ts";

/** ns. */
const ASK_EVERY = 200e6;

/**
 * Finds the device and what it says of itself, within `wait` ns; signals are heard while nobody answers. Throws
 * notFound, failed, environment, Interrupted.
 */
export async function meet(
  prober: Prober,
  address: Address,
  wait: number,
  permits: Permits = {},
  turn: Turn = async () => true,
): Promise<Facts> {
  const { mac: own, mtu } = prober.air.link;
  const name = formatAddress(address);
  if (fitting(mtu) < 1) {
    throw environment(
      `An MTU of ${mtu} carries no sector: the suite needs one of ${22 + ata.SECTOR}`,
    );
  }
  const ask = (tag: number) =>
    configFrame(config.READ, "", { to: BROADCAST, from: own, ...address, tag });
  const until = prober.air.now() + wait;
  let said: config.Config | null = null;
  for (let left = wait; said === null && left > 0; left = until - prober.air.now()) {
    said = prober.find(ask, Math.min(ASK_EVERY, left));
    if (said === null && !(await turn())) throw new Interrupted();
  }
  if (said === null) throw notFound(`${name} did not answer within ${shownTime(wait)}`);
  const { target: source } = prober;
  const announcement = prober.unsolicited.find(isAnnouncement) ?? null;
  look(prober);
  if (prober.claimers.size > 0 && permits.alone !== true) {
    const others = [source, ...prober.claimers].map(formatMac).join(" and ");
    throw environment(
      `${name} is answered from ${others}, which may be two hosts: stop one, or say --alone where both may be written`,
    );
  }
  const mostSectors = said.sectorCount === 0 ? 2 : said.sectorCount;
  const addressed = source !== 0 && !isGroup(source);
  const lacks = new Map<Ability, string>();
  if (!addressed) {
    lacks.set("address", `no frame can be sent to where it answers from, ${formatMac(source)}`);
  }
  const facts: Facts = {
    address,
    target: addressed ? source : BROADCAST,
    source,
    own,
    mtu,
    bufferCount: said.bufferCount,
    firmware: said.firmware,
    mostSectors,
    carried: Math.min(mostSectors, fitting(mtu)),
    sectors: 0,
    model: "",
    announcement,
    lacks,
    permits,
  };
  const subject = new Subject(prober, facts);
  learn(subject, lacks);
  const identity = identityOf(subject);
  if (identity === null) {
    const within = shownTime(3 * prober.patience.answer);
    throw failed(
      `${name} answers discovery, but not IDENTIFY within ${within}: say a longer --answer where it is slow`,
    );
  }
  if (identity.sectors < SCRATCH) {
    throw environment(`${name} has ${identity.sectors} sectors, and the suite needs ${SCRATCH}`);
  }
  if ((masks(subject)?.length ?? 0) > 0 || (members(subject)?.length ?? 0) > 0) {
    throw environment(
      `${name} has a mask list or a reservation, so it is in use: the suite needs a scratch export`,
    );
  }
  return { ...facts, sectors: identity.sectors, model: identity.model };
}

/** Sectors of a command that frames at `mtu` carry. */
export function fitting(mtu: number): number {
  return Math.min(255, ata.sectorsWithin(mtu));
}

/** Hears who else is on this network. */
export function look(prober: Prober): void {
  const { mac: from } = prober.air.link;
  prober.survey((tag) => discovery({ from, tag }));
}

/** What answers nobody is not an announcement thereby: other hosts' answers are heard too. */
function isAnnouncement({ frame }: Answer): boolean {
  return frame.ethernet.destination === BROADCAST && frame.aoe.command === aoe.COMMAND_CONFIG;
}

export function identityOf(s: Subject): identify.Identify | null {
  const sector = identifySector(s);
  const identity = sector === null ? null : identify.parse(sector, 0);
  return identity === null || isMalformed(identity) ? null : identity;
}

function identifySector(s: Subject): DataView | null {
  const answer = s.prober.answer(s.identify());
  if (answer === null || isError(answer.frame)) return null;
  const bytes = answer.bytes.subarray(ata.LENGTH, ata.LENGTH + identify.LENGTH);
  if (bytes.length < identify.LENGTH) return null;
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Asks once for what later questions rely on. */
function learn(s: Subject, lacks: Map<Ability, string>): void {
  const { prober } = s;
  const list = prober.answer(s.mask(mask.READ));
  if (masksIn(list) === null) lacks.set("mask", unknown(list, "command 2 (MAC mask list)"));
  const reserved = prober.answer(s.reserve(reserve.READ));
  if (membersIn(reserved) === null) {
    lacks.set("reserve", unknown(reserved, "command 3 (reserve/release)"));
  }
  const stranger = s.config(config.READ, "", { from: s.other(1) });
  if (prober.answer(stranger) === null) {
    lacks.set(
      "hosts",
      "what comes from another address than the interface's own is not answered, as where a switch or a hypervisor drops it",
    );
  }
  const read = prober.answer(s.read(0, 1));
  if (read === null || !isGood(read)) {
    lacks.set("read", `a sector can't be read (${read === null ? "no answer" : tell(read)})`);
  }
}

function unknown(answer: Answer | null, what: string): string {
  return answer === null
    ? `${what} is not answered`
    : `${what} is not known to it (${tell(answer)})`;
}

/** Why sectors can't be written; null: they can. */
function lackOfWrites(s: Subject): string | null {
  const data = new Uint8Array(ata.SECTOR).fill(0xa7);
  const answer = s.prober.answer(s.write(0, data));
  if (answer === null || !isGood(answer)) {
    return `a write is not carried out (${answer === null ? "no answer" : tell(answer)})`;
  }
  return String(s.data(0, 1)) === String(data) ? null : "what is written can't be read back";
}

/** Tries what changes something: whether sectors can be written, and the config string set. */
export function prepare(s: Subject): void {
  const lack = s.lacks.get("read") ?? lackOfWrites(s);
  if (lack !== null) s.lacks.set("write", lack);
  // One of two strings is another than what stands there.
  for (const string of ["conform", "suite"]) {
    if (String(setString(s, string)) !== String(text(string))) {
      s.lacks.set("string", "its config string can't be set and read back");
    }
  }
}

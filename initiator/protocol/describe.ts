// How a command ended, as a sentence and as a typed error.

import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import { type Address, formatAddress } from "../../words/address.ts";
import { EXIT, Failure } from "../../words/failure.ts";
import { shownTime } from "../../words/shown.ts";
import {
  AOE_ERROR,
  ATA_ERROR,
  CANCELLED,
  type Command,
  MEMORY_LOST,
  OK,
  OTHER_DISK,
  TIMEOUT,
} from "./command.ts";
import { CONTROL, FLUSH, IDENTIFY, READ, WRITE } from "./operation.ts";

export type ErrorKind = "ata" | "aoe" | "timeout" | "cancelled" | "memory" | "replaced";

/** A command that did not end well, mostly since the target refused it or did not answer; `message` is one sentence, the exit code 1. */
export class DeviceError extends Failure {
  readonly kind: ErrorKind;
  /** ATA_ERROR: the status and error registers; else 0. */
  readonly ataStatus: number;
  readonly ataError: number;
  /** ATA_ERROR: the first bad sector that the target named. */
  readonly failedLba: number;
  /** AOE_ERROR: the code; else 0. */
  readonly aoeError: number;

  constructor(device: Address, command: Command) {
    super(describeOutcome(device, command), EXIT.failed);
    this.name = "DeviceError";
    this.kind = KINDS[command.outcome] ?? "cancelled";
    this.ataStatus = command.ataStatus;
    this.ataError = command.ataError;
    this.failedLba = command.failedLba;
    this.aoeError = command.aoeError;
  }
}

const KINDS: Readonly<Record<number, ErrorKind>> = {
  [ATA_ERROR]: "ata",
  [AOE_ERROR]: "aoe",
  [TIMEOUT]: "timeout",
  [CANCELLED]: "cancelled",
  [MEMORY_LOST]: "memory",
  [OTHER_DISK]: "replaced",
};

/** Throws the DeviceError of a command that did not end well. */
export function mustBeOk(device: Address, command: Command): void {
  if (command.outcome !== OK) throw new DeviceError(device, command);
}

/** `e7.3 can't read sectors 8 to 9: no such sector (ATA status 0x41, error 0x10), at sector 8`. */
export function describeOutcome(device: Address, command: Command): string {
  const attempt = `${formatAddress(device)} can't ${describeCommand(command)}`;
  switch (command.outcome) {
    case OK:
      return `${formatAddress(device)} did ${describeCommand(command)}`;
    case ATA_ERROR: {
      const registers = `ATA status ${hex(command.ataStatus)}, error ${hex(command.ataError)}`;
      const at = hasExtent(command) ? `, at sector ${command.failedLba}` : "";
      return `${attempt}: ${ataReason(command.ataError)} (${registers})${at}`;
    }
    case AOE_ERROR:
      return `${attempt}: ${aoeReason(command.aoeError)} (AoE error ${command.aoeError})`;
    case TIMEOUT: {
      const waited = shownTime(command.doneAt - command.submittedAt);
      return `${attempt}: ${describeSilence(command)} within ${waited} (${command.transmits} frames sent)`;
    }
    case MEMORY_LOST:
      return `${attempt}: the memory for its data was detached or made smaller meanwhile`;
    case OTHER_DISK:
      return `${attempt}: another disk answers at its address now`;
    default:
      return `${attempt}: withdrawn`;
  }
}

/** What came in place of an answer. */
function describeSilence(command: Command): string {
  const { shortAnswers, shortBytes, wantedBytes, contradictions } = command;
  const came: string[] = [];
  if (shortAnswers > 0) {
    const last = `${shortBytes} of ${wantedBytes} bytes`;
    came.push(
      shortAnswers === 1
        ? `1 answer with too few bytes came (${last})`
        : `${shortAnswers} answers with too few bytes came (the last with ${last})`,
    );
  }
  if (contradictions > 0) came.push(`${contradictions} answers came that contradict the request`);
  return came.length === 0 ? "no answer" : `${came.join(", ")}, and no right one`;
}

function describeCommand(command: Command): string {
  const { lba, sectors } = command;
  const extent = sectors === 1 ? `sector ${lba}` : `sectors ${lba} to ${lba + sectors - 1}`;
  switch (command.operation) {
    case READ:
      return `read ${extent}`;
    case WRITE:
      return `write ${extent}`;
    case FLUSH:
      return "flush";
    case IDENTIFY:
      return "identify itself";
    case CONTROL:
      return CONTROLS[command.aoeCommand] ?? `run AoE command ${command.aoeCommand}`;
    default:
      return `run operation ${command.operation}`;
  }
}

function hasExtent(command: Command): boolean {
  return command.operation === READ || command.operation === WRITE;
}

const CONTROLS: Readonly<Record<number, string>> = {
  [aoe.COMMAND_CONFIG]: "run a config command",
  [aoe.COMMAND_MASK]: "run a mask command",
  [aoe.COMMAND_RESERVE]: "run a reserve command",
};

function ataReason(error: number): string {
  if ((error & ata.ERROR_IDNF) !== 0) return "no such sector";
  if ((error & ata.ERROR_UNC) !== 0) return "the medium can't be read";
  if ((error & ata.ERROR_ABRT) !== 0) return "the target aborted it";
  return "the target failed";
}

const AOE_REASONS: Readonly<Record<number, string>> = {
  [aoe.ERROR_UNRECOGNIZED]: "the target does not know the command",
  [aoe.ERROR_ARGUMENT]: "the target calls an argument bad",
  [aoe.ERROR_UNAVAILABLE]: "the device is unavailable",
  [aoe.ERROR_CONFIG_PRESENT]: "a config string is present",
  [aoe.ERROR_VERSION]: "the target speaks another version of AoE",
  [aoe.ERROR_RESERVED]: "the target is reserved by another initiator",
};

function aoeReason(code: number): string {
  return AOE_REASONS[code] ?? "the target reports an error that no specification names";
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(2, "0")}`;
}

// AoE's own commands to a device: config string, MAC mask list, reservation (AoEr11, 3.2 to 3.4).

import * as aoe from "../../wire/aoe.ts";
import * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import type { Mac } from "../../wire/mac.ts";
import { isMalformed, type Malformed } from "../../wire/malformed.ts";
import * as mask from "../../wire/mask.ts";
import * as reserve from "../../wire/reserve.ts";
import { formatAddress } from "../../words/address.ts";
import { failed, usage } from "../../words/failure.ts";
import { type Command, TIMEOUT } from "./command.ts";
import { controlCommand, HEAD } from "./control_command.ts";
import { mustBeOk } from "./describe.ts";
import type { Device } from "./device.ts";

/** Submits the command and waits until it has ended. */
export type Perform = (device: Device, command: Command) => Promise<Command>;

/** Whether the answer has come, as the bytes of its frame; false: silence. Throws DeviceError. */
async function ask(
  perform: Perform,
  device: Device,
  command: Command,
  silence: "is an answer" | "is a failure",
): Promise<boolean> {
  const length = HEAD + command.length;
  for (const { port } of device.paths) {
    if (length <= ethernet.LENGTH + port.link.mtu) continue;
    throw usage(
      `Expected a frame of at most ${ethernet.LENGTH + port.link.mtu} bytes for ${formatAddress(device)}, got ${length}: that is too much for one command`,
    );
  }
  await perform(device, command);
  if (command.outcome === TIMEOUT && silence === "is an answer") return false;
  mustBeOk(device, command);
  // The codec tells requests from answers by this flag.
  command.memory?.view.setUint8(aoe.VERSION_FLAGS, (aoe.VERSION << 4) | aoe.FLAG_RESPONSE);
  return true;
}

function mustBeWhole<T extends object>(device: Device, answer: T | Malformed): T {
  if (!isMalformed(answer)) return answer;
  throw failed(
    `${formatAddress(device)} sent a malformed answer: ${answer.layer} ${answer.field}, expected ${answer.expected}, got ${answer.received}`,
  );
}

/**
 * Runs config command `ccmd` (config.READ …) with `text`; the device's answer, or null where it kept silent, as
 * a target does when a test does not match (P9). A set that is refused is a DeviceError.
 */
export async function configure(
  perform: Perform,
  device: Device,
  ccmd: number,
  text: Uint8Array,
  timeout = 0,
): Promise<config.Config | null> {
  if (text.length > config.LONGEST_STRING) {
    throw usage(
      `Expected a config string of at most ${config.LONGEST_STRING} bytes, got ${text.length}`,
    );
  }
  const command = controlCommand(aoe.COMMAND_CONFIG, config.LENGTH + text.length, (view) => {
    config.write(view, 0, 0, 0, 0, ccmd, text.length);
    new Uint8Array(view.buffer).set(text, config.LENGTH);
  });
  command.timeout = timeout;
  const testing = ccmd === config.TEST || ccmd === config.TEST_PREFIX;
  const silence = testing ? "is an answer" : "is a failure";
  if (!(await ask(perform, device, command, silence))) return null;
  const { view } = command.memory;
  return mustBeWhole(device, config.parse(view, 0, HEAD + command.answerLength));
}

/** Carries out directives in order; the whole list afterwards. No directives: the list as it is. */
export async function editMasks(
  perform: Perform,
  device: Device,
  directives: readonly { readonly command: number; readonly mac: Mac }[],
): Promise<Mac[]> {
  const mcmd = directives.length === 0 ? mask.READ : mask.EDIT;
  const length = mask.directive(0, directives.length);
  if (directives.length > 255) {
    throw usage(`Expected at most 255 addresses, got ${directives.length}`);
  }
  const command = controlCommand(aoe.COMMAND_MASK, length, (view) => {
    mask.write(view, 0, mcmd, 0, directives.length);
    for (const [index, { command: dcmd, mac }] of directives.entries()) {
      mask.writeDirective(view, 0, index, dcmd, mac);
    }
  });
  await ask(perform, device, command, "is a failure");
  const answer = mustBeWhole(
    device,
    mask.parse(command.memory.view, 0, HEAD + command.answerLength),
  );
  if (answer.error !== 0) {
    throw failed(
      `${formatAddress(device)} did ${answer.count} of ${directives.length} directives: ${MASK_ERRORS[answer.error] ?? `error ${answer.error}`}`,
    );
  }
  return answer.directives.map(({ mac }) => mac);
}

const MASK_ERRORS: Readonly<Record<number, string>> = {
  [mask.ERROR_UNSPECIFIED]: "it does not say why the next one failed",
  [mask.ERROR_DIRECTIVE]: "it calls the next one bad",
  [mask.ERROR_FULL]: "its list is full",
};

/** Runs reserve command `rcmd` (reserve.READ …) with `macs`; who holds the device afterwards. */
export async function reserveFor(
  perform: Perform,
  device: Device,
  rcmd: number,
  macs: readonly Mac[],
): Promise<readonly Mac[]> {
  if (macs.length > 255) throw usage(`Expected at most 255 addresses, got ${macs.length}`);
  const length = reserve.LENGTH + macs.length * reserve.MEMBER_LENGTH;
  const command = controlCommand(aoe.COMMAND_RESERVE, length, (view) => {
    reserve.write(view, 0, rcmd, macs.length);
    for (const [index, mac] of macs.entries()) reserve.writeMember(view, 0, index, mac);
  });
  await ask(perform, device, command, "is a failure");
  const { view } = command.memory;
  return mustBeWhole(device, reserve.parse(view, 0, HEAD + command.answerLength)).macs;
}

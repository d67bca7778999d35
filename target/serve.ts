// A target in a process: opens what its plan names, runs the core until a signal, and closes in an order that
// loses nothing: no new requests, answers for what is in hand, a flush, the counters.
//
//   judge the plan ─ sockets ─ (another user) ─ images ─▶ READY ─ drive ─ STOPPING ─▶ answer, flush, report
//
// Beside the frames, once a millisecond at most: the control socket, interfaces that came or went, and
// systemd's watchdog. Signals and metrics are served when Bun's own loop runs.

import { openCaptureFile } from "../link/capture_file.ts";
import { drive } from "../link/drive.ts";
import { parseFaults } from "../link/fault_plan.ts";
import type { Core } from "../link/loop.ts";
import { createPollWaiter } from "../link/poll_waiter.ts";
import { onlineCpus, pinToCpus } from "../sys/affinity.ts";
import { readInterface } from "../sys/interface.ts";
import { becomeUser, findUser } from "../sys/privileges.ts";
import { describeFault, failed, Failure, stackOf, usage } from "../words/failure.ts";
import { createRandom } from "../words/random.ts";
import { onSignals } from "../words/signals.ts";
import { parseListen } from "./config/listen.ts";
import { loadTrace } from "./service/load_trace.ts";
import type { TargetPlan } from "./config/plan.ts";
import type { Clients } from "./control/clients.ts";
import { loadControl, loadMetrics, loadStatsAtEnd } from "./control/load_control.ts";
import { openControl } from "./control/open_control.ts";
import type { MetricsServer } from "./control/metrics_server.ts";
import type { Running } from "./control/running.ts";
import { Claimants } from "./exports/claimants.ts";
import { Exports, type LastFlush } from "./exports/exports.ts";
import type { Applied } from "./exports/reload.ts";
import { Interfaces } from "./exports/interfaces.ts";
import { openLink } from "./exports/open_link.ts";
import {
  describeApplied,
  describeEnd,
  describeStart,
  describeStoreError,
  effectiveLater,
} from "./sentences.ts";
import { parseServiceModel } from "./service/model.ts";
import { DamagedState } from "./exports/state.ts";
import { StateSaver } from "./exports/state_saver.ts";
import { FileIo } from "./stores/file_io.ts";
import { createSystemd } from "./systemd.ts";
import { Target } from "./protocol/target.ts";
import { sayAs } from "../words/say.ts";
import { Told } from "../words/told.ts";

const say = sayAs("aoe target");

export interface ServeOptions {
  readonly plan: TargetPlan;
  /** What a sentence calls the service model: `--service`, `service`. */
  readonly what: string;
  /** Reads the configuration again; null: there is none. */
  readonly reread: (() => TargetPlan) | null;
  /** Whether an interface that is not there is waited for, or a failure. */
  readonly patient: boolean;
}

/** How long what is in hand may take to be answered after a signal, ns; the rest is reported. */
const GRACE = 5e9;
/** How long the last flush may take then, ns: both end before systemd's unit (TimeoutStopSec) would kill us. */
const LAST_FLUSH = 8e9;
/** How often what stands beside the frames is looked at while they keep the loop busy, ns. */
const LOOK_EVERY = 1e6;
/** Beyond so many exports their files are opened on first use: descriptors and memory for those in use. */
const MOST_EAGER = 64;
/** Stands for every sentence about a fault of ours. */
const FAULT = "fault";

/** Serves until a signal that ends (words/signals.ts), or `quit`. */
export async function serve(options: ServeOptions): Promise<void> {
  const { plan } = options;
  // A CPU that we were given, by --cpus or from outside, is ours to spin on: the machine's only one is not.
  const mode = plan.mode ?? (onlineCpus() > 1 ? "low-latency" : "frugal");
  if (plan.cpus.length > 0) pinToCpus(plan.cpus);
  const random = createRandom(plan.seed);
  // What the user wrote is judged before anything that may be refused for other reasons.
  const faults = plan.faults === null ? null : parseFaults(plan.faults, "--faults", loadTrace);
  const listen = plan.metrics === null ? null : parseListen(plan.metrics, "--metrics");
  const user = plan.user === null ? null : findUser(plan.user, "--user");
  for (const { service } of plan.exports) {
    parseServiceModel(service, { what: options.what, random, sectors: 1, loadTrace });
  }

  const control = plan.control === null ? null : await loadControl(plan.control);
  const metricsCode = listen === null ? null : await loadMetrics(listen);

  const openStats = plan.statsAtEnd === null ? null : await loadStatsAtEnd(plan.statsAtEnd);

  const systemd = createSystemd(say);
  const opened: (() => void)[] = [];
  try {
    const waiter = createPollWaiter();
    opened.push(() => waiter.close());
    const told = new Told(say);
    const sayOnce = (sentence: string): void => told.tell(sentence, sentence);
    let faultless = true;
    const target = new Target({
      bound: plan.bound,
      onStoreError: (owner, errno, operation) =>
        sayOnce(describeStoreError(owner, errno, operation)),
      onFault: (error) => {
        told.tell(FAULT, `a request was dropped: ${describeFault(error)}`);
        if (faultless) process.stderr.write(stackOf(error));
        faultless = false;
      },
    });
    const io = new FileIo({
      ...(plan.blocking === null ? {} : { kind: plan.blocking }),
      // Drained as it wakes us: a readiness left standing would let the loop never sleep again.
      onOpen: (beside) => waiter.wakeFor(beside.fd, () => beside.drain()),
    });
    opened.push(() => io.close());
    const lazy = plan.exports.length > MOST_EAGER;
    const saver = new StateSaver((beside) => waiter.wakeFor(beside.fd, () => beside.drain()));
    opened.push(() => saver.close());
    const state = plan.state === null ? null : { directory: plan.state, saver };
    const context = { state, random, what: options.what, io, sayOnce, lazy };
    const exports = new Exports(target, context, say);
    opened.push(() => exports.close());
    const capture = plan.capture === null ? null : openCaptureFile(plan.capture, say);
    if (capture !== null) opened.push(() => capture.close());
    const claimants = new Claimants({ target, waiter, say: sayOnce });
    opened.push(() => claimants.shut());
    const interfaces = new Interfaces({
      target,
      waiter,
      open: (name) => openLink(name, { plan, faults, capture, waiter, random, say }),
      opened: (name, mac) => claimants.opened(name, mac),
      say,
    });
    // The kernel may still move the memory of the links' buffers: it must not become something else's.
    opened.push(() => {
      if (io.pending === 0) interfaces.shut();
    });
    /** What is served beside the frames. */
    const sides: Clients[] = [];
    let metrics: MetricsServer | null = null;

    const openFiles = (): void => {
      const refused: DamagedState[] = [];
      for (const each of plan.exports) {
        try {
          exports.add(each, plan.resetState);
        } catch (error) {
          if (!(error instanceof DamagedState)) throw error;
          refused.push(error);
        }
      }
      const [first] = refused;
      // Nothing to serve is a failure; one export of many costs the others nothing.
      if (first === undefined) return;
      if (refused.length === plan.exports.length) throw first;
      for (const { message } of refused) say(message);
    };
    const openSockets = (): void => {
      // First: a path that can't be had is the user's to mend whatever he may do with raw sockets.
      if (control !== null) {
        const served = openControl(control, { waiter, running: () => running, user, say });
        sides.push(served.clients);
        opened.push(served.close);
      }
      for (const name of plan.interfaces) {
        if (!options.patient || readInterface(name) !== null) interfaces.add(name);
      }
      interfaces.want(plan.interfaces);
      if (metricsCode !== null) {
        const served = metricsCode({ target, waiter, say });
        metrics = served;
        sides.push(served.clients);
        opened.push(() => served.clients.close());
      }
    };

    if (user === null) {
      openFiles();
      openSockets();
    } else {
      // What is opened later must be in that user's power, so what is opened now is no different.
      openSockets();
      becomeUser(user);
      openFiles();
    }
    // Now, so that a path where nothing can be written is told before anything is served.
    const writeStats = openStats?.();

    let stopping = false;
    let giveUp = 0;
    const stop = (again = stopping): void => {
      giveUp = again ? 0 : waiter.now() + GRACE;
      stopping = true;
      target.close();
      waiter.wake();
      systemd.tell("STOPPING=1");
    };
    const startedAt = waiter.now();
    const running: Running = {
      target,
      startedAt,
      now: waiter.now,
      fileIo: () => io.describe(),
      missingInterfaces: () => interfaces.missing,
      setService: (address, model) => exports.setService(address, model),
      addExport: (added) => {
        exports.add(added);
      },
      removeExport: (address, gone) => exports.remove(address, gone),
      resizeExport: (address) => exports.resize(address),
      reload(done) {
        systemd.tell(`RELOADING=1\nMONOTONIC_USEC=${Math.floor(waiter.now() / 1e3)}`);
        const ended = (outcome: Applied | Failure): void => {
          if (outcome instanceof Failure) {
            const { message, exitCode } = outcome;
            done(new Failure(`nothing was changed: ${message}`, exitCode));
          } else {
            say(`reloaded: ${describeApplied(outcome)}`);
            done(outcome);
          }
          if (hungUp) reload();
        };
        try {
          const next = options.reread?.();
          if (next === undefined) {
            throw usage(
              "there is no configuration to read again, since this target was started without --config",
            );
          }
          exports.apply(next.exports, ended, () => {
            for (const sentence of effectiveLater(plan, next)) say(sentence);
            interfaces.want(next.interfaces);
          });
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          ended(error);
        } finally {
          systemd.tell("READY=1");
        }
      },
      quit: () => stop(),
    };
    // A signal that comes while a reload waits for what is in hand asks for one more behind it.
    let hungUp = false;
    const reload = (): void => {
      hungUp = exports.isApplying;
      if (hungUp) return;
      running.reload((ended) => {
        if (ended instanceof Failure) say(ended.message);
      });
      waiter.wake();
    };

    const every = systemd.watchdogInterval();
    let nextLook = 0;
    let nextPat = 0;
    let received = 0;
    /** Clients have something to be done at once: not while frames come, as often as LOOK_EVERY says then. */
    const isDue = (): boolean => {
      if (sides.length === 0) return false;
      const before = received;
      received = 0;
      for (const port of target.ports) received += port.counters.received;
      if (received !== before) return false;
      for (const clients of sides) if (clients.isDue) return true;
      return false;
    };
    const core: Core = {
      ports: target.ports,
      begin(now) {
        io.tellTime(now);
        target.begin(now);
      },
      advance(now) {
        saver.poll();
        target.advance(now);
        if (now < nextLook && !isDue()) return;
        nextLook = now + LOOK_EVERY;
        interfaces.look();
        claimants.look(now);
        for (const clients of sides) clients.look();
        if (now < nextPat) return;
        nextPat = now + every;
        if (every < Infinity) systemd.tell("WATCHDOG=1");
      },
      nextDeadline() {
        let next = Math.min(target.nextDeadline(), nextPat);
        for (const clients of sides) {
          if (clients.isDue) return 0;
          next = Math.min(next, Math.max(nextLook, clients.nextDeadline()));
        }
        return next;
      },
    };

    for (const sentence of describeStart(plan, target, [...exports.all], metrics)) say(sentence);
    const onEnd = (_code: number, again: boolean): void => stop(again);
    const release =
      options.reread === null ? onSignals(onEnd) : onSignals(onEnd, ["SIGINT", "SIGTERM"]);
    if (options.reread !== null) process.on("SIGHUP", reload);
    const until = (): boolean => stopping && (target.isIdle || waiter.now() >= giveUp);
    let flush: LastFlush;
    try {
      systemd.tell("READY=1");
      await drive({ core, waiter, mode, until });
      flush = exports.settle();
      if (giveUp > 0) giveUp = waiter.now() + LAST_FLUSH;
      await drive({ core, waiter, mode, until: () => flush.isOver() || waiter.now() >= giveUp });
    } finally {
      release();
      process.off("SIGHUP", reload);
    }
    for (const sentence of describeEnd(target)) say(sentence);
    const undone = flush.undone();
    let unwritten: Failure | null = null;
    try {
      writeStats?.(running, { unanswered: target.inHand, not_durable: undone });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      unwritten = error;
    }
    if (undone.length > 0) {
      throw failed(`aoe target: what was written may not be durable: ${undone.join("; ")}`);
    }
    if (unwritten !== null) throw unwritten;
  } finally {
    for (const close of opened.toReversed()) close();
  }
}

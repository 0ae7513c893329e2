import type { Failure } from "../model/errors.ts";
import { failure } from "../model/errors.ts";
import type { Known } from "../model/known.ts";
import { OLDEST_SYSTEMD } from "../release/platform.ts";
import type { PlatformFacts } from "../release/platform.ts";
import type { PlanInput } from "./input.ts";
import { balancersOf } from "./situation.ts";
import type { Situation } from "./situation.ts";
import { setOf } from "./vips.ts";

/** What keeps a host from carrying apps; empty when nothing does. */
export function hostProblems(host: string, platform: Known<PlatformFacts>): readonly Failure[] {
  if (platform.kind === "unknown") return [platform.why];
  const { missing, systemd } = platform.value;
  const packages = [...new Set(missing.map((each) => each.package))];
  const programs = missing.map(({ program }) => program).join(", ");
  const absent =
    missing.length === 0
      ? []
      : [failure("package-missing", `${host} lacks ${programs}`, `on ${host}: apt-get install ${packages.join(" ")}`)];
  if (systemd >= OLDEST_SYSTEMD) return absent;
  const found = systemd === 0 ? "it is not run by systemd" : `its systemd is ${String(systemd)}`;
  return [
    ...absent,
    failure("package-missing", `${host} cannot run apps: ${found}; drover needs systemd ${String(OLDEST_SYSTEMD)}`),
  ];
}

/** The programs a host lacks, where it could tell. */
export function missingPrograms(host: string, platform: Known<PlatformFacts>): readonly Failure[] {
  return platform.kind === "known" && platform.value.missing.length > 0 ? hostProblems(host, platform) : [];
}

/** What keeps a balancer from taking part; `mustRun` where its HAProxy has to answer already. */
export function balancerProblems(host: string, input: PlanInput, mustRun: boolean): readonly Failure[] {
  const lb = input.views.get(host)?.lb;
  if (lb === null || lb === undefined) return [];
  if (lb.kind === "unknown") return [lb.why];
  const vip = vipProblems(host, input);
  if (vip.length > 0) return vip;
  const { installed, active, admin, manifest } = lb.value.stable;
  if (!installed) {
    return [
      failure(
        "package-missing",
        `${host} is a balancer and has no HAProxy`,
        `on ${host}: apt-get install ${lb.value.stable.package}`,
      ),
    ];
  }
  if (mustRun && manifest !== null && (!active || admin === null)) {
    return [
      failure(
        "balancer-answer",
        `HAProxy on ${host} does not run or does not answer`,
        "put it right first: drover apply",
      ),
    ];
  }
  return [];
}

/** Where a set has a VIP, its balancers have to be able to hold it. */
function vipProblems(host: string, input: PlanInput): readonly Failure[] {
  const vip = input.views.get(host)?.vip ?? null;
  if (vip?.kind === "unknown") return [vip.why];
  const hasVip = (setOf(host, input)?.vips.length ?? 0) > 0;
  if (vip === null || !hasVip || vip.value.stable.installed) return [];
  const { package: name } = vip.value.stable;
  return [
    failure("package-missing", `${host} is to hold a VIP and has no keepalived`, `on ${host}: apt-get install ${name}`),
  ];
}

/**
 * Where taking out the largest batch would leave fewer ready instances than `minAvailable` asks for. New and repaired
 * instances count: they come in before the first that serves goes out.
 */
export function availabilityProblems(
  situation: Situation,
  minAvailable: number,
  drains: PlanInput["drains"],
): readonly Failure[] {
  const { app, changed, fresh, readyAtStart } = situation;
  const taken = changed.filter((instance) => instance.wasReady).length;
  if (app === null || taken === 0) return [];
  // What is done on a drained host does not bring it back.
  const isIn = (host: string): boolean => drains[host] === undefined;
  const repaired = changed.filter(({ wasReady, desired }) => !wasReady && isIn(desired.host)).length;
  const coming = fresh.filter(({ host }) => isIn(host)).length;
  const batch = Math.min(app.rollout.serial, taken);
  const floor = Math.min(minAvailable, readyAtStart);
  const left = readyAtStart + coming + repaired - batch;
  if (left >= floor) return [];
  const numbers = `${String(readyAtStart)} instances are ready; taking out ${String(batch)} would leave ${String(left)}, fewer than minAvailable ${String(floor)}`;
  const out = app.instances.map(({ host }) => host).filter((host) => !isIn(host));
  const hint =
    out.length === 0
      ? `see which: drover status ${app.name}`
      : `bring back what is drained: drover undrain ${out[0] ?? ""}`;
  return [failure("min-available", `${app.name}: ${numbers}`, hint)];
}

/** A drain that was cut off: its host still gets traffic, and a plan that takes it for drained would stop what serves. */
export function drainProblems(app: string, input: PlanInput): readonly Failure[] {
  return Object.keys(input.drains).flatMap((host) => {
    const name = `${app}/${host}`;
    const open = balancersOf(app, input).filter(({ facts: { stable } }) => {
      return (
        stable.admin?.[name] === "ready" || (stable.admin?.[name] !== undefined && !stable.disabled.includes(name))
      );
    });
    if (open.length === 0) return [];
    const where = open.map(({ balancer }) => balancer).join(", ");
    return [
      failure(
        "unsafe-plan",
        `${host} is to be drained, and ${where} may still send traffic for ${app} to it`,
        `finish it: drover drain ${host} -m REASON; or end it: drover undrain ${host}`,
      ),
    ];
  });
}

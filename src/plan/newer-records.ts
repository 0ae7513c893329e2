import type { Failure } from "../model/errors.ts";
import type { OwnerState } from "../discovery/owner.ts";
import { zoneFound } from "./dns-view.ts";
import type { PlanInput } from "./input.ts";
import { claimProblems } from "./last-change.ts";

/**
 * Why records of this fleet would refuse it: they were written under an epoch that its state host has not given out yet, as
 * after the state host's files were lost. Said before anything is changed, like that of hosts, and once.
 */
export function newerRecords(input: PlanInput): readonly Failure[] {
  const { topology, epoch, dns } = input;
  const found = zoneFound(input);
  if (dns === null || found === null) return [];
  const owners = [...found.apps.values(), ...found.hosts.values()].map(({ owner }) => owner);
  const newest = Math.max(0, ...owners.map(epochOf));
  const seen = { epoch: newest, fleet: topology.fleet };
  return claimProblems(`the zone ${dns.zone.zone}`, seen, {
    fleet: topology.fleet,
    epoch,
    stateHost: topology.state.host,
  });
}

function epochOf(owner: OwnerState): number {
  return owner.kind === "ours" ? owner.record.epoch : 0;
}

import { DroverError, failure } from "../model/errors.ts";

/**
 * Names in the zone. Everything is lower case; letters, digits and dashes (RFC 1123 §2.1), and an underscore in front of
 * what is no host (RFC 8552). Checked here, before anything is encoded: a label too long would make another name of it.
 */

const LABEL = /^_?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
/** RFC 1035 §2.3.4: labels of at most 63 octets, and 255 for a name as it is sent, which are 253 as it is written. */
const LONGEST_LABEL = 63;
const LONGEST_NAME = 253;

/** The label under which it is written who owns what is beside it. */
const OWNER = "_drover";

const HINT = "rename it in the fleet's files";

function refuse(says: string): never {
  throw new DroverError(failure("files-invalid", says, HINT));
}

/** Whether a text may be one label of a name. */
function isLabel(label: string): boolean {
  return label.length <= LONGEST_LABEL && LABEL.test(label);
}

/** A name that may be sent; throws a DroverError for any other. */
export function checkedName(name: string): string {
  const wrong = name.split(".").find((label) => !isLabel(label));
  if (wrong !== undefined) {
    refuse(
      wrong.length > LONGEST_LABEL
        ? `the label ${JSON.stringify(wrong)} of the DNS name ${name} has more than ${String(LONGEST_LABEL)} characters`
        : `${JSON.stringify(wrong)} in the DNS name ${JSON.stringify(name)} is no label: lower-case letters, digits and dashes, none at its ends`,
    );
  }
  if (name.length > LONGEST_NAME) refuse(`the DNS name ${name} has more than ${String(LONGEST_NAME)} characters`);
  return name;
}

function under(labels: string, zone: string): string {
  return checkedName(`${labels}.${zone}`);
}

/** Where a host's addresses are: the target of its SRV records. Throws a DroverError where that is no name. */
export function hostName(host: string, zone: string): string {
  return under(host, zone);
}

/** The owner of a record set, e.g. `_shop._tcp` in the zone. Throws a DroverError where that is no name. */
export function setName(set: string, zone: string): string {
  return under(set, zone);
}

/** Where it is written whose an app's record sets are. Throws a DroverError where that is no name. */
export function appOwnerName(app: string, zone: string): string {
  return under(`${OWNER}._${app}._tcp`, zone);
}

/** Where it is written whose a host's addresses are. Throws a DroverError where that is no name. */
export function hostOwnerName(host: string, zone: string): string {
  return under(`${OWNER}.${host}`, zone);
}

/** The record set of an app's own port. */
export function appSet(app: string): string {
  return `_${app}._tcp`;
}

/** The record set of a port that an app names, as Kubernetes calls it. */
export function portSet(port: string, protocol: "tcp" | "udp", app: string): string {
  return `_${port}._${protocol}.${app}`;
}

/** Whose record set this is by its name; null for one that is no app's. */
export function appOfSet(set: string): string | null {
  const [, own, named] = /^(?:_([^._]+)\._tcp|_[^._]+\._(?:tcp|udp)\.([^._]+))$/.exec(set) ?? [];
  return own ?? named ?? null;
}

/** A name without the zone's; null for one that is not below it. Label by label, so that `notsvc.lab` is not in `svc.lab`. */
export function belowZone(name: string, zone: string): string | null {
  return name.endsWith(`.${zone}`) ? name.slice(0, -zone.length - 1) : null;
}

/** The host a name stands for; null where no host of the zone can be called so. */
export function hostOfName(name: string, zone: string): string | null {
  const host = belowZone(name, zone);
  return host === null || !host.split(".").every((label) => isLabel(label) && !label.startsWith("_")) ? null : host;
}

/** Of whom an owner record below the zone tells; null for any other name. */
export function subjectOfOwner(
  name: string,
  zone: string,
): { readonly kind: "app" | "host"; readonly name: string } | null {
  const labels = belowZone(name, zone);
  const [, app] = /^_drover\._([^._]+)\._tcp$/.exec(labels ?? "") ?? [];
  if (app !== undefined) return { kind: "app", name: app };
  const [, host] = /^_drover\.([^_]+)$/.exec(labels ?? "") ?? [];
  return host === undefined ? null : { kind: "host", name: host };
}

/** Whether a text can be the name of a record set below a zone. */
export function isSet(set: string): boolean {
  return appOfSet(set) !== null && set.split(".").every(isLabel);
}

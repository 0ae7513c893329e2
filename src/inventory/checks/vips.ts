import type { Diagnostic, Place, Vip } from "../../model/fleet.ts";
import { familyOf, isInNetwork } from "../addresses.ts";
import { complain, formatPlace, keyPlaceOf, placeOf } from "../diagnostics.ts";
import type { HostDraft } from "../drafts.ts";
import type { Path } from "../places.ts";
import { spotKey } from "../places.ts";
import type { PlacedBalancer, World } from "./world.ts";

/** VRRP's priorities end at 254 (RFC 5798 §5.2.4), and ten lie between two balancers, to be told apart in a dump. */
const MOST_BALANCERS = 25;

/** Something that may be there once only, and who has it. */
type Owners = Map<string, { readonly owner: string; readonly place: Place }>;

/** A VIP is nobody else's address and lies on a network of its balancers; no two sets speak VRRP under one id. */
export function checkVips(world: World): readonly Diagnostic[] {
  const owners: Owners = new Map();
  for (const { name, addresses, at } of world.hosts)
    for (const address of addresses ?? []) owners.set(address, { owner: name, place: keyPlaceOf(at.file, at.path) });
  const ids: Owners = new Map();
  return (world.balancers ?? []).flatMap((set) => [
    ...checkId(world, set, ids),
    ...checkCount(world, set),
    ...set.fields.vips.flatMap((vip, index) => {
      const path = pathOf(world, set, index);
      return [...checkOwner(world, { path, vip, set }, owners), ...checkNetwork(world, { path, vip, set })];
    }),
  ]);
}

/** A VIP where it is written. */
interface Written {
  readonly path: Path;
  readonly vip: Vip;
  readonly set: PlacedBalancer;
}

function pathOf({ drover }: World, { name }: PlacedBalancer, index: number): Path {
  const path = ["loadBalancers", name, "vip"];
  return drover.file.spots.has(spotKey([...path, index])) ? [...path, index] : path;
}

/** Ids have to differ on one network; which networks are one, the files do not say for sure, so they differ everywhere. */
function checkId({ drover }: World, { name, fields }: PlacedBalancer, ids: Owners): readonly Diagnostic[] {
  if (fields.virtualRouterId === null) return [];
  const path = ["loadBalancers", name, "virtualRouterId"];
  const id = String(fields.virtualRouterId);
  const other = ids.get(id);
  ids.set(id, other ?? { owner: name, place: placeOf(drover.file, path) });
  if (other === undefined) return [];
  const got = `${id}, which ${other.owner} has (${formatPlace(other.place)})`;
  return [complain(drover.file, path, `expected an id of its own, got ${got}`)];
}

function checkCount({ drover }: World, { name, on, fields }: PlacedBalancer): readonly Diagnostic[] {
  const count = on?.length ?? 0;
  if (fields.vips.length === 0 || count <= MOST_BALANCERS) return [];
  const message = `expected at most ${String(MOST_BALANCERS)} balancers with a vip, got ${String(count)}`;
  return [complain(drover.file, ["loadBalancers", name, "hosts"], message)];
}

function checkOwner({ drover }: World, { path, vip, set }: Written, owners: Owners): readonly Diagnostic[] {
  const other = owners.get(vip.address);
  owners.set(vip.address, other ?? { owner: set.name, place: placeOf(drover.file, path) });
  if (other === undefined) return [];
  const got = `${vip.address}, which ${other.owner} has (${formatPlace(other.place)})`;
  return [complain(drover.file, path, `expected an address of its own, got ${got}`)];
}

/** Each balancer has an address of the VIP's family; and one on its network, from which the interface follows. */
function checkNetwork({ drover, hosts }: World, { path, vip, set }: Written): readonly Diagnostic[] {
  const members = hosts.filter(({ name, addresses }) => addresses !== null && set.on?.includes(name) === true);
  const family = familyOf(vip.address);
  const fits = (address: string): boolean => familyOf(address) === family;
  const alien = members.find((host) => host.addresses?.some(fits) === false);
  if (alien !== undefined) {
    const got = placed(alien);
    return [complain(drover.file, path, `expected balancers with an IPv${String(family)} address, got ${got}`)];
  }
  if (set.fields.interface !== null) return [];
  const away = members.find((host) => host.addresses?.some((address) => isInNetwork(address, vip)) === false);
  if (away === undefined) return [];
  const network = `${vip.address}/${String(vip.prefix)}`;
  const message = `expected balancers with an address in its network, from which the interface follows, got ${network} and ${placed(away)} (or write interface: NAME)`;
  return [complain(drover.file, path, message)];
}

function placed({ name, addresses, at }: HostDraft): string {
  return `${name} with ${(addresses ?? []).join(", ")} (${formatPlace(keyPlaceOf(at.file, at.path))})`;
}

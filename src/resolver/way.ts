import { failure } from "../model/errors.ts";
import type { Failure } from "../model/errors.ts";
import type { ResolverModel } from "../model/resolver.ts";
import { asksResolved } from "./facts.ts";
import type { KeptFile, ResolverFacts, ResolverManifest } from "./facts.ts";
import { isOurs } from "./normalize.ts";
import { MANIFEST, RESOLV_CONF } from "./paths.ts";
import { renderDropIn, renderResolvConf } from "./render.ts";

/** How a host can be told of the zone. */
export type Way =
  | { readonly kind: "resolved" }
  /** resolv.conf itself; `original` is what it is without drover (null: it is not there). */
  | { readonly kind: "file"; readonly original: ({ readonly text: string } & KeptFile) | null }
  | { readonly kind: "refused"; readonly failure: Failure };

/** A way that can be gone. */
export type OpenWay = Exclude<Way, { readonly kind: "refused" }>;

/** The text that tells the host, by the way chosen. */
export function textFor(model: ResolverModel, way: OpenWay): string {
  switch (way.kind) {
    case "resolved":
      return renderDropIn(model);
    case "file":
      return renderResolvConf(model, way.original?.text ?? "");
  }
}

const LEAVE_IT = "say in drover.yaml: dns: {resolver: false}, and see to it by other means";

function refused(message: string, hint: string, detail: readonly string[] = []): Way {
  return { kind: "refused", failure: failure("resolver", message, hint, detail) };
}

function wayOfFile(host: string, { resolvConf, manifest, original }: ResolverFacts): Way {
  if (resolvConf.kind !== "file") return { kind: "file", original: null };
  if (!isOurs(resolvConf.text)) return { kind: "file", original: resolvConf };
  if (manifest?.way === "file") {
    if (manifest.original === null) return { kind: "file", original: null };
    if (original !== null) return { kind: "file", original: { ...manifest.original, text: original } };
  }
  return { kind: "refused", failure: originalGone(host, manifest) };
}

/** Says that resolv.conf is drover's, and nobody knows any more what was there before. */
export function originalGone(host: string, manifest: ResolverManifest | null): Failure {
  const what = manifest === null ? MANIFEST : "the file it replaced";
  return failure(
    "resolver",
    `${host}: ${RESOLV_CONF} was written by drover, but ${what} is gone`,
    `write to ${RESOLV_CONF} there what the host needs without drover; then: drover apply`,
  );
}

/** Chooses the way, or says why there is none that would leave the host's other names alone. */
export function wayOf(host: string, model: ResolverModel, facts: ResolverFacts): Way {
  const { resolvConf, resolved } = facts;
  if (resolvConf.kind === "symlink") {
    const message = `${host}: ${RESOLV_CONF} is a symlink to ${resolvConf.target}, so another program owns it`;
    return refused(message, LEAVE_IT);
  }
  if (asksResolved(facts)) {
    if (resolved === null) {
      const hint = "there: systemctl enable --now systemd-resolved";
      return refused(`${host}: ${RESOLV_CONF} asks systemd-resolved, which does not run`, hint);
    }
    const [other] = resolved.others;
    if (other === undefined) return { kind: "resolved" };
    // `Domains=~zone` binds all servers that are not of a link, also those that were there for everything.
    const message = `${host}: systemd-resolved has servers of no link (${resolved.others.join(", ")}), which would be asked for ${model.zone} alone`;
    return refused(
      message,
      `there: resolvectl dns INTERFACE ${other}, by whatever sets the interface up; or ${LEAVE_IT}`,
    );
  }
  if (!model.recursive) {
    const message = `${host}: ${RESOLV_CONF} is a plain file, and the zone's servers do not answer for other names`;
    return refused(message, `install systemd-resolved there, which asks them for ${model.zone} alone; or ${LEAVE_IT}`);
  }
  return wayOfFile(host, facts);
}

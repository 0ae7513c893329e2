import { belowZone } from "../discovery/names.ts";
import type { DnsQueried, DnsQuestion } from "../model/dns.ts";
import { failure } from "../model/errors.ts";
import type { Known } from "../model/known.ts";
import { known, unknown } from "../model/known.ts";
import { verifyZone } from "../plan/verify/dns-verify.ts";
import type { Looked } from "../plan/verify/dns-account.ts";
import type { NamedServer } from "../plan/verify/name-servers.ts";
import { dnsVerificationCode, dnsVerificationLines } from "../report/dns-findings.ts";
import type { Context } from "./context.ts";
import { withZone } from "./dns-zone.ts";
import type { Connected } from "./survey.ts";

/** `drover dns verify`: whether the zone's servers agree with each other and with what should be so. Changes nothing. */
export async function dnsVerifyCommand(context: Context): Promise<number> {
  return await withZone(context, async (looked, connected) => {
    const verification = verifyZone(looked, await nameServers(context, connected, looked));
    if (context.options.output === "json") context.print.line(JSON.stringify(verification));
    else for (const line of dnsVerificationLines(verification)) context.print.line(line);
    return dnsVerificationCode(verification);
  });
}

/** The servers that the zone itself names; null where its primary did not tell anything, which is found elsewhere. */
async function nameServers(
  context: Context,
  { dns }: Connected,
  { zone, view }: Looked,
): Promise<Known<readonly NamedServer[]> | null> {
  const { server, facts } = view.primary;
  if (facts.kind === "unknown" || facts.value.serial === 0) return null;
  const limits = { deadline: context.options.timeout, signal: context.interrupts.stop };
  const ask = (questions: readonly DnsQuestion[]): Promise<DnsQueried> => dns.query(server, questions, limits);
  const first = await ask([{ name: zone.zone, type: "NS" }]);
  if (first.kind === "failed") return unknown(first.failure);
  const names = (first.replies[0]?.answers ?? []).flatMap((record) => (record.type === "NS" ? [record.target] : []));
  if (names.length === 0) {
    const says = `${server.name} names no name server of ${zone.zone}`;
    return unknown(failure("dns-answer", says, `dig @${server.address} ${zone.zone} NS +tcp`));
  }
  const inside = names.filter((name) => belowZone(name, zone.zone) !== null);
  const questions = inside.flatMap((name): DnsQuestion[] => [
    { name, type: "A" },
    { name, type: "AAAA" },
  ]);
  const second = questions.length === 0 ? null : await ask(questions);
  if (second?.kind === "failed") return unknown(second.failure);
  const records = second?.replies.flatMap(({ answers }) => answers) ?? [];
  return known(
    names.map((name) => {
      const addresses = records.flatMap((record) =>
        "address" in record && record.name === name ? [record.address] : [],
      );
      return { name, addresses: inside.includes(name) ? addresses : null };
    }),
  );
}

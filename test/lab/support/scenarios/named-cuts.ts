// A pair of DNS servers: changes that are killed, and a key with which nothing can be transferred.
import { expect } from "vitest";
import type { NamedAction } from "../../../../src/model/named.ts";
import { PENDING } from "../../../../src/named/paths.ts";
import type { Driver } from "../drive.ts";
import type { NamedPair, Server } from "../named.ts";

/** What kills a command with all it started so many seconds after it began to change something. */
function dyingAfter(seconds: number): readonly string[] {
  return [
    "sh",
    "-c",
    `exec 3<&0; setsid "$@" <&3 & p=$!
     until [ -e ${PENDING} ] || ! kill -0 $p 2>/dev/null; do sleep 0.005; done
     sleep ${String(seconds)}; kill -s KILL -- -$p 2>/dev/null; wait $p`,
    "sh",
  ];
}

/**
 * Both servers in turn get another key, then the first one back, and so on: each time killed so many seconds after the change
 * began, and done again. Two moments leave them with `drover2`, four with `drover`.
 */
export async function killedAnywhere(pair: NamedPair, moments: readonly number[]): Promise<void> {
  let interrupted = 0;
  for (const [index, seconds] of moments.entries()) {
    const host: Server = index % 2 === 0 ? "dns1" : "dns2";
    const key = index % 4 < 2 ? "drover2" : "drover";
    /* oxlint-disable no-await-in-loop -- one after the other is the point */
    const { previous: _, ...wanted } = await pair.input(host, key);
    await pair.go({ kind: "named.install", ...wanted }, dyingAfter(seconds));
    if ((await pair.facts(host)).interrupted) interrupted += 1;
    expect(await pair.install(host, key), `${host} after ${String(seconds)} s`).toMatchObject({ kind: "done" });
    expect(await pair.diff(host, key)).toEqual({ kind: "same" });
    /* oxlint-enable no-await-in-loop */
  }
  console.log(`killed ${String(moments.length)} times, half way ${String(interrupted)} times`);
  expect(interrupted).toBeGreaterThan(moments.length / 4);
}

const QUICK = "/run/quick";
/** `date` by a clock that goes five times as fast, from when it is first looked at. */
const QUICK_DATE = `#!/bin/sh
now=$(/usr/bin/date +%s%N); [ -s ${QUICK}.began ] || echo $now > ${QUICK}.began
began=$(cat ${QUICK}.began)
exec /usr/bin/date -d @$(( (began + 5 * (now - began)) / 1000000000 )) "$@"
`;

/** With another secret behind the same name nothing can be transferred: given up after 15 s, by this clock, and put back. */
export async function wrongSecret(pair: NamedPair, sh: Driver["sh"], clock: "quick" | "true"): Promise<void> {
  const { previous: _, ...wanted } = await pair.input("dns2", "drover");
  const config = wanted.config.replace("min-retry-time 5", "min-retry-time 6");
  const action: NamedAction = { kind: "named.install", ...wanted, config, secret: "dns/drover2" };
  const lay = `rm -f ${QUICK}.began; printf '%s' '${QUICK_DATE}' > /usr/local/sbin/date; chmod 755 /usr/local/sbin/date`;
  if (clock === "quick") await sh("dns2", lay);
  try {
    expect(await pair.go(action)).toMatchObject({
      failure: {
        message: `dns2: the zone ${wanted.model.zone} did not come from its primary within 15 s; the previous files are back and BIND runs`,
        detail: expect.arrayContaining([expect.stringMatching(/BADSIG|bad signature|tsig/i)]),
      },
    });
  } finally {
    await sh("dns2", "rm -f /usr/local/sbin/date");
  }
}

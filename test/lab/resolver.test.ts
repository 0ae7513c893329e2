// Real hosts learn where a zone is answered: one with a plain resolv.conf, one with systemd-resolved. The servers are two
// real named on dns1: `ours` (IPv4) has the zone and asks `theirs` (IPv6) for all else, which does not know the zone.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Outcome } from "../../src/model/operation.ts";
import type { ResolverAction, ResolverModel } from "../../src/model/resolver.ts";
import { diffResolver } from "../../src/resolver/diff.ts";
import { resolverFact } from "../../src/resolver/facts.ts";
import { operateResolver } from "../../src/resolver/operations.ts";
import { driver, type DriveOptions } from "./support/drive.ts";
import { command, lab, until } from "./support/lab.ts";

const real = lab("test-resolver");
const { drive, gather, sh } = driver(real);

const OURS = "192.168.56.31";
const THEIRS = "fd00:56::31";
const ZONE = "svc.lab.internal";
const MODEL: ResolverModel = { zone: ZONE, servers: [OURS], recursive: true };

const NAMED_CONF = (name: string, address: string, more: string): string => `
options {
  directory "/run/${name}"; pid-file "/run/${name}/pid"; session-keyfile "/run/${name}/session.key";
  listen-on { ${address.includes(":") ? "none" : address}; }; listen-on-v6 { ${address.includes(":") ? address : "none"}; };
  dnssec-validation no; empty-zones-enable no; ${more}
};
controls {};
`;
const ZONE_FILE = (records: string): string => `$TTL 5
@ IN SOA dns1 hostmaster 1 3600 600 86400 5
@ IN NS dns1
dns1 IN A ${OURS}
${records}`;

async function startNamed(name: string, address: string, zone: { name: string; records: string; more: string }) {
  const conf = `${NAMED_CONF(name, address, zone.more)}zone "${zone.name}" { type primary; file "zone"; };\n`;
  await real.exec("dns1", ["sh", "-c", `mkdir -p /run/${name}; cat > /run/${name}/named.conf`], { stdin: conf });
  const text = ZONE_FILE(zone.records);
  await real.exec("dns1", ["sh", "-c", `cat > /run/${name}/zone; chown -R bind /run/${name}`], { stdin: text });
  await sh("dns1", `systemd-run -q --unit=${name} /usr/sbin/named -f -u bind -c /run/${name}/named.conf`);
  await until(`${name} answers`, async () => {
    const { stdout } = await real.exec("dns1", ["dig", "+short", "+time=1", `@${address}`, zone.name, "SOA"]);
    return stdout.includes("hostmaster");
  });
}

const go = (action: ResolverAction, options?: DriveOptions): Promise<Outcome> =>
  drive(operateResolver(action), options);
const install = (host: string, model = MODEL, options?: DriveOptions): Promise<Outcome> =>
  go({ kind: "resolver.install", host, model }, options);
const restore = (host: string, model: ResolverModel | null = null): Promise<Outcome> =>
  go({ kind: "resolver.restore", host, model });
const diff = async (host: string, model: ResolverModel | null = MODEL) =>
  diffResolver(host, model, await gather(host, resolverFact));

/** Everything that tells how a host resolves names, and all that drover would leave behind. */
async function state(host: string): Promise<string> {
  return await sh(
    host,
    `cd /etc; stat -c '%N %a %u:%g %h' resolv.conf*; sha256sum resolv.conf; ls -la systemd/resolved.conf.d 2>&1 | grep -v total;
     cat systemd/resolved.conf.d/* 2>/dev/null; ls /var/lib/drover/manifest/resolver* /var/lib/drover/resolver* 2>/dev/null; true`,
  );
}

/** What programs find: getent, Python's getaddrinfo, and the SRV record by dig as resolv.conf says. */
async function found(host: string, name: string): Promise<readonly string[]> {
  const python = `import socket; print(socket.getaddrinfo("${name}", 80, socket.AF_INET, socket.SOCK_STREAM)[0][4][0])`;
  const said = await sh(
    host,
    `getent ahostsv4 ${name} | head -n 1 | cut -d' ' -f1; python3 -c '${python}' 2>/dev/null; true`,
  );
  return said.split("\n").filter((line) => line !== "");
}
const srv = (host: string): Promise<string> => sh(host, `dig +short +time=1 +tries=1 _orders._tcp.${ZONE} SRV; true`);

/** The programs by which the scripts change anything. */
const CUT: readonly string[] = ["cp", "ln", "mv", "rm", "touch"];
const CUTTER = `#!/bin/sh
name=\${0##*/}; n=$(($(cat /run/cut.count) + 1)); echo $n > /run/cut.count
[ -z "$CUT" ] || [ $n != "$(cat /run/cut.at)" ] || kill -KILL 0
exec /usr/bin/$name "$@"
`;

/** Kills an action's script, with all it started, before its n-th write; false where it ended without so many. */
async function cutter(host: string): Promise<(at: number, action: ResolverAction) => Promise<boolean>> {
  await sh(host, "echo 0 > /run/cut.count; echo 0 > /run/cut.at");
  const put = `cat > /run/cutter; chmod 755 /run/cutter; for name in ${CUT.join(" ")}; do ln -s /run/cutter /usr/local/sbin/$name; done`;
  await real.exec(host, ["sh", "-c", put], { stdin: CUTTER });
  return async (at, action) => {
    await sh(host, `echo 0 > /run/cut.count; echo ${at} > /run/cut.at`);
    const outcome = await go(action, { under: ["env", "CUT=yes", "setsid", "-w"] });
    if (outcome.kind === "done") expect(at, "how many writes were cut").toBeGreaterThan(5);
    return outcome.kind === "failed";
  };
}

const PLAIN = `# of the provider
search lab.internal example.test
nameserver ${THEIRS}
options ndots:1 rotate edns0
`;

beforeAll(async () => {
  await real.up("--only", "app1,app2,dns1");
  await startNamed("theirs", THEIRS, {
    name: "elsewhere.test",
    records: "www IN A 192.0.2.80\n",
    more: "recursion no;",
  });
  const records = `app2 IN A 192.168.56.22\n_orders._tcp IN SRV 0 1 8080 app2\n`;
  const more = `recursion yes; allow-recursion { any; }; forward only; forwarders { ${THEIRS}; };`;
  await startNamed("ours", OURS, { name: ZONE, records, more });
}, 240_000);

afterAll(async () => {
  await real.down();
});

describe("a plain resolv.conf", () => {
  let before = "";

  beforeEach(async () => {
    await sh("app1", "rm -rf /var/lib/drover /etc/resolv.conf*");
    await real.exec(
      "app1",
      ["sh", "-c", "cat > /etc/resolv.conf; chgrp adm /etc/resolv.conf; chmod 664 /etc/resolv.conf"],
      {
        stdin: PLAIN,
      },
    );
    before = await state("app1");
  });

  test("gets the fleet's servers first, keeps all else, and is back byte for byte", async () => {
    expect(await found("app1", `app2.${ZONE}`)).toEqual([]);
    expect(await diff("app1")).toMatchObject({ kind: "install" });
    expect(await install("app1")).toEqual({ kind: "done", note: `names of ${ZONE} resolve` });
    expect(await sh("app1", "cat /etc/resolv.conf; stat -c '%a %U:%G' /etc/resolv.conf")).toBe(
      `# Written by drover: the fleet's own DNS servers first, for names of ${ZONE}.
# of the provider
search lab.internal example.test
nameserver ${OURS}
nameserver ${THEIRS}
options ndots:1 edns0 timeout:1 attempts:2
664 root:adm
`,
    );
    expect(await found("app1", `app2.${ZONE}`)).toEqual(["192.168.56.22", "192.168.56.22"]);
    expect(await found("app1", "www.elsewhere.test")).toEqual(["192.0.2.80", "192.0.2.80"]);
    expect(await srv("app1")).toBe(`0 1 8080 app2.${ZONE}.\n`);
    expect(await diff("app1")).toEqual({ kind: "same" });
    expect(await install("app1")).toEqual({ kind: "done", note: "unchanged" });
    expect(await diff("app1", null)).toMatchObject({ kind: "remove" });
    expect(await restore("app1")).toMatchObject({ kind: "done" });
    expect(await state("app1")).toBe(before);
    expect(await diff("app1", null)).toEqual({ kind: "same" });
  });

  test("a server that is dead, does not know the zone, or answers for it alone: refused, nothing changed", async () => {
    for (const [address, code, says] of [
      ["192.168.56.22", "dns-unreachable", "192.168.56.22 does not answer"],
      ["192.168.56.99", "dns-unreachable", "192.168.56.99 does not answer"],
      [THEIRS, "dns-answer", `${THEIRS} does not know ${ZONE} there (REFUSED)`],
    ] as const) {
      const outcome = await install("app1", { ...MODEL, servers: [OURS, address] });
      expect(outcome).toMatchObject({ kind: "failed", failure: { code, message: expect.stringContaining(says) } });
      expect(await state("app1")).toBe(before);
    }
    const elsewhere = { ...MODEL, zone: "elsewhere.test", servers: [THEIRS] };
    expect(await install("app1", elsewhere)).toMatchObject({
      kind: "failed",
      failure: { code: "dns-answer", message: expect.stringContaining("answers for no other names") },
    });
    expect(await install("app1", { ...MODEL, recursive: false })).toMatchObject({ failure: { code: "resolver" } });
    expect(await state("app1")).toBe(before);
  });

  test("names that do not resolve in the end put everything back", async () => {
    await sh("app1", "sed -i.test 's/^hosts:.*/hosts: files/' /etc/nsswitch.conf");
    try {
      expect(await install("app1")).toMatchObject({
        kind: "failed",
        failure: { code: "resolver", message: expect.stringContaining("the previous one is back") },
      });
    } finally {
      await sh("app1", "mv /etc/nsswitch.conf.test /etc/nsswitch.conf");
    }
    expect(await state("app1")).toBe(before);
  });

  test("a change by hand is drift and put right; a file that another program put there is a new original", async () => {
    await install("app1");
    await sh("app1", "echo 'nameserver 192.0.2.1' >> /etc/resolv.conf");
    expect(await diff("app1")).toEqual({ kind: "install", reasons: ["/etc/resolv.conf was changed by hand"] });
    expect(await install("app1")).toMatchObject({ kind: "done" });
    expect(await diff("app1")).toEqual({ kind: "same" });
    await sh("app1", `echo 'nameserver ${OURS}' > /etc/resolv.conf; chmod 600 /etc/resolv.conf`);
    const theirs = await sh("app1", "stat -c '%a %u:%g' /etc/resolv.conf; cat /etc/resolv.conf");
    expect(await diff("app1")).toMatchObject({
      reasons: ["/etc/resolv.conf was replaced by another program or by hand"],
    });
    expect(await install("app1")).toMatchObject({ kind: "done" });
    expect(await restore("app1")).toMatchObject({ kind: "done" });
    expect(await sh("app1", "stat -c '%a %u:%g' /etc/resolv.conf; cat /etc/resolv.conf")).toBe(theirs);
  });

  test("a symlink of another program, and a file that is mounted over, are left alone", async () => {
    await sh(
      "app1",
      "mkdir -p /run/other; mv /etc/resolv.conf /run/other/resolv.conf; ln -s /run/other/resolv.conf /etc/",
    );
    const linked = await state("app1");
    expect(await diff("app1")).toMatchObject({ kind: "refused", failure: { code: "resolver" } });
    expect(await install("app1")).toMatchObject({
      failure: { code: "resolver", hint: expect.stringContaining("dns: {resolver: false}") },
    });
    expect(await state("app1")).toBe(linked);
    await sh("app1", "rm /etc/resolv.conf; : > /etc/resolv.conf; mount --bind /run/other/resolv.conf /etc/resolv.conf");
    const mounted = await state("app1");
    try {
      expect(await install("app1")).toMatchObject({
        failure: { code: "resolver", message: expect.stringContaining("cannot be replaced") },
      });
      expect(await state("app1")).toBe(mounted);
    } finally {
      await sh("app1", "umount /etc/resolv.conf");
    }
  });

  test("none at all is written, and gone again afterwards", async () => {
    await sh("app1", "rm /etc/resolv.conf");
    expect(await install("app1")).toMatchObject({ kind: "done" });
    expect(await found("app1", `app2.${ZONE}`)).toHaveLength(2);
    expect(await restore("app1")).toMatchObject({ kind: "done" });
    expect(await sh("app1", "ls /etc/resolv.conf* 2>/dev/null; true")).toBe("");
  });

  test("killed before any of its writes, the next run ends it, and the way back is the same", async () => {
    const cut = await cutter("app1");
    try {
      for (let at = 1; await cut(at, { kind: "resolver.install", host: "app1", model: MODEL }); at += 1) {
        if (at % 3 === 0) expect(await install("app1"), `cut at ${at}`).toMatchObject({ kind: "done" });
        expect(await diff("app1"), `cut at ${at}`).toMatchObject({ kind: at % 3 === 0 ? "same" : "install" });
        expect(await restore("app1"), `cut at ${at}`).toMatchObject({ kind: "done" });
        expect(await state("app1"), `cut at ${at}`).toBe(before);
      }
      for (let at = 1; await cut(at, { kind: "resolver.restore", host: "app1", model: null }); at += 1) {
        expect(await restore("app1"), `cut at ${at}`).toMatchObject({ kind: "done" });
        expect(await state("app1"), `cut at ${at}`).toBe(before);
        await install("app1");
      }
      expect(await state("app1")).toBe(before);
    } finally {
      await sh("app1", `rm -f ${CUT.map((name) => `/usr/local/sbin/${name}`).join(" ")}`);
    }
  });

  test("a full disk stops it before anything is changed, and does not keep it from going back", async () => {
    await sh("app1", "mkdir -p /var/lib/drover; mount -t tmpfs -o size=64k tmpfs /var/lib/drover");
    const fill = "head -c 1m /dev/zero > /var/lib/drover/fill 2>/dev/null; true";
    try {
      await sh("app1", `mkdir -p /var/lib/drover/manifest; echo '1 test' > /var/lib/drover/epoch; ${fill}`);
      expect(await install("app1")).toMatchObject({ kind: "failed", failure: { code: "disk-full" } });
      expect(await sh("app1", "cat /etc/resolv.conf")).toBe(PLAIN);
      await sh("app1", "rm /var/lib/drover/fill");
      expect(await install("app1")).toMatchObject({ kind: "done" });
      await sh("app1", fill);
      expect(await restore("app1")).toMatchObject({ kind: "done" });
      expect(await sh("app1", "cat /etc/resolv.conf; stat -c '%a %U:%G' /etc/resolv.conf")).toBe(
        `${PLAIN}664 root:adm\n`,
      );
    } finally {
      await sh("app1", "umount /var/lib/drover");
    }
  });
});

/** Debian's package, where the lab's base does not have it; false where it is not to be had. */
async function haveResolved(host: string): Promise<boolean> {
  const has = await real.exec(host, ["test", "-x", "/lib/systemd/systemd-resolved"]);
  if (has.code !== 0) {
    const fetch = `cd "$(mktemp -d)" && apt-get -q download systemd-resolved libnss-resolve >&2 && tar -c *.deb; rm -rf "$PWD"`;
    const put = `cd /tmp && tar -x && dpkg -i systemd-resolved*.deb libnss-resolve*.deb && systemctl reload dbus`;
    const script = `(${fetch}) | LAB=${real.name} lab/lab exec ${host} -- sh -c '${put}'`;
    const got = await command("sh", ["-c", script]);
    if (got.code !== 0) {
      console.log(`systemd-resolved could not be installed, its tests are skipped:\n${got.stderr}`);
      return false;
    }
  }
  await sh(host, "systemctl unmask -q systemd-resolved; systemctl restart systemd-resolved");
  return true;
}

describe("systemd-resolved", () => {
  const routed: ResolverModel = { ...MODEL, recursive: false };
  let before = "";

  beforeAll(async () => {
    if (!(await haveResolved("app2"))) return;
    await sh("app2", "ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf");
    before = await state("app2");
  });

  // Kept over a restart, see /run/systemd/resolve/netif.
  const link = (): Promise<string> => sh("app2", `resolvectl dns eth0 ${THEIRS}`);

  test("is told of the zone alone, and forgets it again", async ({ skip }) => {
    if (before === "") skip("systemd-resolved is not to be had");
    await link();
    expect(await found("app2", "www.elsewhere.test")).toEqual(["192.0.2.80", "192.0.2.80"]);
    expect(await install("app2", routed)).toEqual({ kind: "done", note: `names of ${ZONE} resolve` });
    expect(await diff("app2", routed)).toEqual({ kind: "same" });
    expect(await found("app2", `app2.${ZONE}`)).toEqual(["192.168.56.22", "192.168.56.22"]);
    expect(await found("app2", "www.elsewhere.test")).toEqual(["192.0.2.80", "192.0.2.80"]);
    expect(await srv("app2")).toBe(`0 1 8080 app2.${ZONE}.\n`);
    const pid = await sh("app2", "systemctl show -p MainPID systemd-resolved");
    expect(await install("app2", routed)).toEqual({ kind: "done", note: "unchanged" });
    expect(await sh("app2", "systemctl show -p MainPID systemd-resolved")).toBe(pid);
    expect(await restore("app2")).toMatchObject({ kind: "done" });
    expect(await state("app2")).toBe(before);
    expect(await srv("app2")).toBe("");
  });

  test("a drop-in changed by hand is drift; a dead server changes nothing; its own servers for all names refuse it", async ({
    skip,
  }) => {
    if (before === "") skip("systemd-resolved is not to be had");
    expect(await install("app2", { ...routed, servers: ["192.168.56.99"] })).toMatchObject({
      failure: { code: "dns-unreachable" },
    });
    expect(await state("app2")).toBe(before);
    await install("app2", routed);
    await sh("app2", "echo '# mine' >> /etc/systemd/resolved.conf.d/drover.conf");
    expect(await diff("app2", routed)).toEqual({
      kind: "install",
      reasons: ["systemd-resolved's drop-in was changed by hand"],
    });
    expect(await restore("app2", routed)).toMatchObject({ kind: "done" });
    expect(await diff("app2", routed)).toEqual({ kind: "same" });
    await sh("app2", "printf '[Resolve]\\nDNS=192.0.2.1\\n' > /etc/systemd/resolved.conf.d/mine.conf");
    expect(await diff("app2", routed)).toMatchObject({
      kind: "refused",
      failure: { message: expect.stringContaining("192.0.2.1") },
    });
    await sh("app2", "rm /etc/systemd/resolved.conf.d/mine.conf");
    expect(await restore("app2")).toMatchObject({ kind: "done" });
    expect(await state("app2")).toBe(before);
  });

  test("killed before any of its writes, the next run ends it", async ({ skip }) => {
    if (before === "") skip("systemd-resolved is not to be had");
    const cut = await cutter("app2");
    try {
      // What comes before only prepares, as for a plain file.
      for (let at = 7; await cut(at, { kind: "resolver.install", host: "app2", model: routed }); at += 2) {
        expect(await install("app2", routed), `cut at ${at}`).toMatchObject({ kind: "done" });
        expect(await diff("app2", routed), `cut at ${at}`).toEqual({ kind: "same" });
        expect(await restore("app2"), `cut at ${at}`).toMatchObject({ kind: "done" });
        expect(await state("app2"), `cut at ${at}`).toBe(before);
      }
      expect(await diff("app2", routed)).toEqual({ kind: "same" });
      expect(await restore("app2")).toMatchObject({ kind: "done" });
      expect(await state("app2")).toBe(before);
    } finally {
      await sh("app2", `rm -f ${CUT.map((name) => `/usr/local/sbin/${name}`).join(" ")}`);
    }
  });
});

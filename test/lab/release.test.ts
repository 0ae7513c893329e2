import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { App } from "../../src/model/fleet.ts";
import type { Outcome } from "../../src/model/operation.ts";
import type { Draft } from "../../src/model/plan.ts";
import { diffHost } from "../../src/release/diff.ts";
import type { DesiredInstance } from "../../src/release/desired.ts";
import { releaseFact, type InstanceFacts } from "../../src/release/facts.ts";
import { operateRelease } from "../../src/release/operations.ts";
import { platformFact } from "../../src/release/platform.ts";
import {
  probeInstance,
  pruneReleases,
  removeInstance,
  stageRelease,
  startInstance,
  switchRelease,
} from "../../src/release/steps.ts";
import type { LocalArtifact } from "../../src/model/action.ts";
import { driver, type DriveOptions } from "./support/drive.ts";
import { lab, until } from "./support/lab.ts";
import { artifactAt, desiredOn, exampleApp, PROBE, undoOf } from "../support/release.ts";
import { tar, type TarEntry } from "../support/tar.ts";

const HOST = "app1";
const ADDRESS = "192.168.56.21";
const SECRETS = { "shop/DATABASE_URL": 'postgres://shop:it\'s "$ecret"%\n' };
const real = lab("test-release");
const { drive, gather, sh } = driver(real);

interface Staged {
  readonly desired: DesiredInstance;
  readonly artifact: LocalArtifact;
}

function shop(release: string, over: Partial<App> = {}): Staged {
  const artifact = artifactAt(`${real.fleet}/dist/shop-${release}.tar.gz`);
  const secrets = { DATABASE_URL: { kind: "file" as const, path: "unused" } };
  return { desired: desiredOn(HOST, ADDRESS, exampleApp({ release, secrets, ...over }), artifact.sha256), artifact };
}

async function go(draft: Draft, options: DriveOptions = {}): Promise<Outcome> {
  if (!draft.action.kind.startsWith("release.")) throw new Error(`not a release step: ${draft.says}`);
  return await drive(operateRelease(releaseAction(draft)), { secrets: SECRETS, ...options });
}

function releaseAction(draft: Draft): Parameters<typeof operateRelease>[0] {
  switch (draft.action.kind) {
    case "release.stage":
    case "release.unstage":
    case "release.switch":
    case "release.probe":
    case "release.remove":
    case "release.prune":
      return draft.action;
    default:
      throw new Error(`not a release step: ${draft.says}`);
  }
}

async function must(draft: Draft): Promise<string> {
  const outcome = await go(draft);
  if (outcome.kind === "failed") throw new Error(JSON.stringify(outcome.failure, null, 1));
  return outcome.note;
}

async function instance(app = "shop"): Promise<InstanceFacts> {
  const facts = await gather(HOST, releaseFact);
  const found = facts.apps.find((each) => each.app === app);
  if (found === undefined) throw new Error(`no ${app} on ${HOST}`);
  return found;
}

const get = (path: string): Promise<string> => sh(HOST, `curl -s http://${ADDRESS}:8080${path}`);
const previous = (staged: Staged): { release: string; port: number } => ({
  release: staged.desired.release,
  port: 8080,
});

async function deploy(staged: Staged): Promise<void> {
  await must(stageRelease(staged.desired, staged.artifact));
  await must(startInstance(staged.desired));
  await must(probeInstance(staged.desired, PROBE));
}

/** Every path with type, mode, owner, size, link and content, but what changes by itself. */
async function tree(): Promise<readonly string[]> {
  const skip = ["/proc", "/sys", "/dev", "/run", "/tmp", "/var/log", "/var/tmp", "/root", "/home", "/var/lib/systemd"];
  // Backups that useradd's family writes at every change; epoch and lock stay by intent.
  const noise = [
    "/etc/passwd-",
    "/etc/group-",
    "/etc/shadow-",
    "/etc/gshadow-",
    "/etc/.pwd.lock",
    "/etc/subuid-",
    "/etc/subgid-",
  ];
  const own = ["/var/lib/drover", "/var/lib/drover/epoch", "/var/lib/drover/.lock"];
  const prune = skip.map((path) => `-path ${path}`).join(" -o ");
  const listing = await sh(
    HOST,
    `find / -xdev \\( ${prune} \\) -prune -o \\( -type d -printf '%p %y %m %U %G\\n' -o -printf '%p %y %m %U %G %s %l\\n' \\)`,
  );
  const content = await sh(HOST, "find /etc /opt -type f -print0 | sort -z | xargs -0 sha256sum");
  const left = (line: string): boolean =>
    ![...noise, ...own].some((path) => line.startsWith(`${path} `) || line.endsWith(`  ${path}`));
  return [...listing.split("\n"), ...content.split("\n")].filter(left).toSorted();
}

describe("releases on a real host", () => {
  const folder = mkdtempSync(join(tmpdir(), "drover-release-"));
  const file = (name: string, bytes: Uint8Array): LocalArtifact => {
    writeFileSync(join(folder, name), bytes);
    return artifactAt(join(folder, name));
  };

  beforeAll(() => real.up("--only", HOST));
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await real.down();
  });
  beforeEach(async () => {
    const facts = await gather(HOST, releaseFact);
    for (const each of facts.apps) await must(removeInstance({ app: each.app, host: HOST }));
  });

  test("the host has what drover needs, and says so", async () => {
    const facts = await gather(HOST, platformFact);
    expect(facts.missing).toEqual([]);
    expect(facts.systemd).toBeGreaterThanOrEqual(252);
    expect(facts.freeBytes).toBeGreaterThan(0);
  });

  test("a release is staged once, started, proved, replaced and rolled back", async () => {
    const [old, next] = [shop("1.4.0"), shop("1.5.0")];
    await deploy(old);
    expect(await must(stageRelease(old.desired, old.artifact))).toBe("already there");
    expect(diffHost(HOST, [old.desired], await gather(HOST, releaseFact)).map((each) => each.kind)).toEqual(["same"]);
    expect(await get("/version")).toContain('"1.4.0"');

    await must(stageRelease(next.desired, next.artifact));
    const step = switchRelease(next.desired, previous(old), PROBE);
    await must(step);
    expect(await must(probeInstance(next.desired, PROBE))).toMatch(/^healthy after 2\.\d s/);
    expect(await get("/version")).toContain('"1.5.0"');
    expect((await instance()).staged.every((each) => each.healthy !== null)).toBe(true);

    for (const undo of undoOf(step)) await must(undo);
    expect(await get("/version")).toContain('"1.4.0"');
  });

  test("switching to what already runs restarts nothing", async () => {
    const staged = shop("1.4.0");
    await deploy(staged);
    const before = await instance();
    expect(await must(startInstance(staged.desired))).toBe("already running");
    expect(await instance()).toEqual(before);
  });

  test("variables and secrets reach the app; secrets lie where only root reads them", async () => {
    await deploy(shop("1.4.0"));
    const digest = (await sh(HOST, "sha256sum /var/lib/drover/credentials/shop/*/DATABASE_URL")).split(" ")[0];
    expect(JSON.parse(await get("/env"))).toEqual({ LOG_LEVEL: "info", credentials: { DATABASE_URL: digest } });
    const loose = await sh(
      HOST,
      "find /var/lib/drover/credentials \\( -type f ! -perm 600 -o -type d ! -perm 700 -o ! -user root \\)",
    );
    expect(loose).toBe("");
    expect(
      await sh(HOST, "! grep -rlF 'postgres://shop' /etc /opt /var/lib/drover/manifest /var/log 2>/dev/null"),
    ).toBe("");
  });

  test("the unit is clean to systemd and hardened", async () => {
    await deploy(shop("1.4.0"));
    expect(await sh(HOST, "systemd-analyze verify /etc/systemd/system/drover-shop.service 2>&1")).toBe("");
    const security = await sh(HOST, "systemd-analyze security --no-pager drover-shop.service");
    const exposure = Number(/exposure level for drover-shop\.service: ([0-9.]+)/.exec(security)?.[1]);
    expect(exposure).toBeLessThanOrEqual(2.5);
  });

  test("an app sees its own releases and nobody else's, and none of drover's files", async () => {
    await sh(HOST, "mkdir -p /opt/drover/other/releases");
    try {
      await deploy(shop("1.4.0"));
      const within = (command: string): Promise<string> =>
        sh(HOST, `nsenter -m -t $(systemctl show -p MainPID --value drover-shop) -- ${command}`);
      expect(await within("ls /opt/drover")).toBe("shop\n");
      expect(await within("setpriv --reuid drover-shop --clear-groups sh -c 'ls /var/lib/drover 2>&1 || :'")).toContain(
        "Permission denied",
      );
      expect(await within("sh -c 'touch /opt/drover/shop/releases/x 2>&1 || :'")).toContain("Read-only");
    } finally {
      await sh(HOST, "rm -rf /opt/drover/other");
    }
  });

  test("it runs again after a power loss", async () => {
    await deploy(shop("1.4.0"));
    await real.kill(HOST);
    await real.start(HOST);
    await until(
      "the shop is back",
      async () => (await real.exec(HOST, ["curl", "-sf", `http://${ADDRESS}:8080/healthz`])).code === 0,
    );
    expect(await get("/version")).toContain('"1.4.0"');
    expect(diffHost(HOST, [shop("1.4.0").desired], await gather(HOST, releaseFact))).toMatchObject([{ kind: "same" }]);
  });

  test("a crash in the middle of a rollout starts the release again that was running", async () => {
    const [old, next] = [shop("1.4.0"), shop("1.5.0")];
    await deploy(old);
    await must(stageRelease(next.desired, next.artifact));
    const { state } = await instance();
    await sh(
      HOST,
      `kill -9 ${state?.mainPid}; for i in $(seq 100); do curl -sf http://${ADDRESS}:8080/healthz && break; sleep 0.05; done`,
    );
    expect(await get("/version")).toContain('"1.4.0"');
    expect((await instance()).state?.restarts).toBe(1);
  });

  test("a release that never gets healthy is given up at the deadline, with the app's last words", async () => {
    const broken = shop("1.6.0-broken");
    await must(stageRelease(broken.desired, broken.artifact));
    await must(startInstance(broken.desired));
    const outcome = await go(probeInstance(broken.desired, { ...PROBE, healthyDeadline: 2000 }));
    expect(outcome).toMatchObject({ kind: "failed", failure: { code: "unhealthy" } });
    const detail = outcome.kind === "failed" ? outcome.failure.detail.join("\n") : "";
    expect(detail).toContain("503");
    expect(detail).toContain("listens on 8080");
  });

  test("a crash ends the probing at once", async () => {
    const crash = shop("1.6.1-crash");
    await must(stageRelease(crash.desired, crash.artifact));
    await must(startInstance(crash.desired));
    const began = performance.now();
    const outcome = await go(probeInstance(crash.desired, { ...PROBE, minHealthyTime: 8000 }));
    expect(outcome).toMatchObject({ kind: "failed", failure: { code: "unhealthy" } });
    expect(performance.now() - began).toBeLessThan(7000);
  });

  test("a failed probe starts the clock over, a server that hangs is not waited for, IPv6 is probed too", async () => {
    const program = `#!/usr/bin/perl
use IO::Socket::IP; my $n = 0; $SIG{PIPE} = "IGNORE";
my $l = IO::Socket::IP->new(LocalHost => "::", LocalPort => 8080, Listen => 9, ReuseAddr => 1) or die "$@";
while (my $c = $l->accept) { $n++; if ($n == 3) { push @kept, $c; next } my $s = $n == 6 ? "503 No" : "204 Yes";
  sysread $c, my $b, 9999; print $c "HTTP/1.1 $s\\r\\nContent-Length: 0\\r\\n\\r\\n"; close $c }
`;
    const artifact = file("flaky", Buffer.from(program));
    const desired = desiredOn(HOST, "fd00:56::21", exampleApp({ release: "6", run: ["flaky"] }), artifact.sha256);
    await must(stageRelease(desired, artifact));
    await must(startInstance(desired));
    const health = { ...PROBE.health, interval: 100, timeout: 300 };
    const note = await must(probeInstance(desired, { health, minHealthyTime: 1000, healthyDeadline: 5000 }));
    expect(note).toMatch(/^healthy after [12]\.\d s, .*; a failed probe started the clock over 2 times$/);
  });

  test("a slow start is waited for", async () => {
    const slow = shop("1.6.2-slow");
    await must(stageRelease(slow.desired, slow.artifact));
    await must(startInstance(slow.desired));
    expect(await must(probeInstance(slow.desired, PROBE))).toMatch(/first answer after [45]\./);
  });

  test("a program that cannot be executed fails the switch at once, and the undo leaves nothing", async () => {
    const before = await tree();
    const artifact = file("garbage", Buffer.from("\x7fELF this is no program"));
    const desired = desiredOn(HOST, ADDRESS, exampleApp({ release: "9" }), artifact.sha256);
    await must(stageRelease(desired, artifact));
    const step = startInstance(desired);
    const outcome = await go(step);
    expect(outcome).toMatchObject({ kind: "failed", failure: { code: "release" } });
    expect(outcome.kind === "failed" ? outcome.failure.detail.join("\n") : "").toMatch(/Exec format error|203/);
    for (const undo of undoOf(step)) await must(undo);
    expect(await tree()).toEqual(before);
  });

  test("what drover put on a host it removes exactly, twice if need be", async () => {
    const before = await tree();
    await deploy(shop("1.4.0"));
    const next = shop("1.5.0");
    await must(stageRelease(next.desired, next.artifact));
    await sh(HOST, "echo '# edited by hand' >> /etc/systemd/system/drover-shop.service");
    await must(switchRelease(next.desired, previous(next), PROBE));
    expect(await tree()).not.toEqual(before);
    await must(removeInstance(next.desired));
    await must(removeInstance(next.desired));
    expect(await tree()).toEqual(before);
  });

  test("a staged release that is not wanted after all goes without a trace", async () => {
    const before = await tree();
    const staged = shop("1.4.0");
    const step = stageRelease(staged.desired, staged.artifact);
    await must(step);
    for (const undo of undoOf(step)) await must(undo);
    expect(await tree()).toEqual(before);
  });

  test("pruning keeps the last healthy releases and whatever is referred to", async () => {
    const [old, next, other] = [shop("1.4.0"), shop("1.5.0"), shop("1.5.1")];
    await deploy(old);
    await must(stageRelease(next.desired, next.artifact));
    await must(stageRelease(other.desired, other.artifact));
    await must(pruneReleases(old.desired, 1));
    expect((await instance()).staged.map((each) => each.release)).toEqual([old.desired.release]);
    await must(stageRelease(next.desired, next.artifact));
    await must(switchRelease(next.desired, previous(old), PROBE));
    await must(probeInstance(next.desired, PROBE));
    await must(pruneReleases(next.desired, 2));
    expect((await instance()).staged).toHaveLength(2);
    // Never healthy, no longer kept by number, but it is what the unit runs.
    await sh(HOST, `rm /opt/drover/shop/releases/${next.desired.release}.healthy`);
    await must(pruneReleases(next.desired, 0));
    expect((await instance()).staged.map((each) => each.release)).toEqual([next.desired.release]);
    expect(await get("/healthz")).toContain("ok");
    expect(await sh(HOST, "ls /opt/drover/shop/units /var/lib/drover/credentials/shop")).not.toContain("1.4.0");
  });

  test("a damaged release is noticed and staged anew", async () => {
    const staged = shop("1.4.0");
    await deploy(staged);
    await sh(HOST, "for f in /opt/drover/shop/releases/1.4.0-*/bin/shop; do echo broken >> $f; done");
    expect(await must(stageRelease(staged.desired, staged.artifact))).toContain("sent");
    expect(await must(stageRelease(staged.desired, staged.artifact))).toBe("already there");
  });

  test("a worker without port is proved by its process", async () => {
    const artifact = artifactAt(`${real.fleet}/dist/ticker-1.0.0.tar.gz`);
    const health = { ...PROBE.health, probe: { kind: "process" as const } };
    const app = exampleApp({ name: "ticker", release: "1.0.0", run: ["./bin/ticker"], port: null, health });
    const desired = desiredOn(HOST, ADDRESS, app, artifact.sha256);
    await must(stageRelease(desired, artifact));
    await must(startInstance(desired));
    await must(probeInstance(desired, { ...PROBE, health }));
    expect((await instance("ticker")).manifest?.port).toBeNull();
  });

  const link = (to: string): TarEntry => ({ name: "a", type: "2", link: to });
  test.for<[string, readonly TarEntry[]]>([
    ["an absolute path", [{ name: "/tmp/drover-escape" }]],
    ["a path that leaves its folder", [{ name: "a/../../drover-escape" }]],
    ["a device", [{ name: "null", type: "3" }]],
    ["a pipe", [{ name: "pipe", type: "6" }]],
    ["a set-user-id file", [{ name: "sh", mode: 0o4755 }]],
    ["a link that leaves the release", [link("../../../../etc/passwd")]],
    ["a link to an absolute path", [link("/etc/passwd")]],
    ["a file written through a link", [link("/tmp"), { name: "a/drover-escape", content: "x" }]],
    ["a hard link that leaves the release", [{ name: "a", type: "1", link: "../../../../etc/passwd" }]],
    ["no program", [{ name: "bin/other", content: "x" }]],
  ])("an artifact with %s is refused and leaves nothing", async ([, entries]) => {
    const before = await tree();
    const artifact = file("bad.tar.gz", gzipSync(tar(entries)));
    const desired = desiredOn(HOST, ADDRESS, exampleApp({ release: "8" }), artifact.sha256);
    const outcome = await go(stageRelease(desired, artifact));
    expect(outcome).toMatchObject({ kind: "failed", failure: { code: "artifact" } });
    expect(await tree()).toEqual(before);
    expect(await sh(HOST, "ls /tmp")).not.toContain("escape");
  });

  test.for<[string, string, Buffer]>([
    ["nothing in it", "none", Buffer.alloc(0)],
    ["a page that says 404", "page.tar.gz", Buffer.from("<html>not found</html>\n")],
    ["a page that says 404, compressed", "page.tar.gz", gzipSync("<html>not found</html>\n")],
    ["half of an archive", "half.tar.gz", gzipSync(tar([{ name: "bin/shop", content: "x" }])).subarray(0, 60)],
  ])("an artifact with %s is refused before anything runs it", async ([, name, content]) => {
    const before = await tree();
    const artifact = file(name, content);
    const desired = desiredOn(HOST, ADDRESS, exampleApp({ release: "8" }), artifact.sha256);
    const outcome = await go(stageRelease(desired, artifact));
    expect(outcome).toMatchObject({ kind: "failed", failure: { code: "artifact" } });
    expect(await tree()).toEqual(before);
  });

  test("bytes that are not what was promised never become a release", async () => {
    const staged = shop("1.4.0");
    const outcome = await go(stageRelease(staged.desired, { ...staged.artifact, sha256: "0".repeat(64) }));
    expect(outcome).toMatchObject({ kind: "failed", failure: { code: "artifact" } });
    expect((await gather(HOST, releaseFact)).apps).toEqual([]);
  });

  test("a full disk is said with numbers and leaves nothing behind", async () => {
    await sh(HOST, "mkdir -p /opt/drover && mount -t tmpfs -o size=2m tmpfs /opt/drover");
    try {
      const random = file("large", Buffer.alloc(5_000_000, 7));
      const zeros = file("zeros.tar.gz", gzipSync(tar([{ name: "bin/shop", content: Buffer.alloc(9_000_000) }])));
      for (const artifact of [random, zeros]) {
        const desired = desiredOn(HOST, ADDRESS, exampleApp({ release: "7" }), artifact.sha256);
        const outcome = await go(stageRelease(desired, artifact));
        expect(outcome).toMatchObject({ kind: "failed", failure: { code: "disk-full" } });
        expect(outcome.kind === "failed" ? outcome.failure.message : "").toMatch(/\d MiB.*\d(\.\d)? MiB are free/);
        expect(await sh(HOST, "find /opt/drover -mindepth 1; ls /var/lib/drover")).not.toMatch(/shop|credentials/);
      }
    } finally {
      await sh(HOST, "umount /opt/drover && rmdir /opt/drover");
    }
  });
});

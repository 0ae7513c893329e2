import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { DroverError } from "../../src/model/errors.ts";
import type { Failure } from "../../src/model/errors.ts";
import { sha256 } from "../../src/model/hash.ts";
import type { Files, Limits } from "../../src/model/ports.ts";
import { createFiles } from "../../src/store/files.ts";
import { relaxed } from "./support/commands.ts";
import { must } from "./support/sshd.ts";

const artifact = Buffer.alloc(200_000, "an artifact ");
const hash = sha256(artifact);
let directory: string;
let base: string;
let files: Files;
let stop: () => void;
let served: string[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "drover-download-"));
  const [key, certificate] = [join(directory, "key"), join(directory, "cert")];
  must(
    "openssl",
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "2",
    "-subj",
    "/CN=localhost",
    "-addext",
    "subjectAltName=IP:127.0.0.1",
    "-keyout",
    key,
    "-out",
    certificate,
  );
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, serve);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  files = createFiles({
    directory,
    cache: join(directory, "cache"),
    certificates: [readFileSync(certificate, "utf8")],
  });
  stop = () => {
    server.closeAllConnections();
    server.close();
  };
});
afterAll(() => {
  stop();
  rmSync(directory, { recursive: true, force: true });
});
beforeEach(() => {
  served = [];
  rmSync(join(directory, "cache"), { recursive: true, force: true });
});

const serve: RequestListener = (request, response) => {
  served.push(request.url ?? "");
  switch (request.url) {
    case "/good":
      return void response.end(artifact);
    case "/moved":
      return void response.writeHead(302, { location: "/good" }).end();
    case "/downgraded":
      return void response.writeHead(302, { location: "http://127.0.0.1:1/good" }).end();
    case "/circle":
      return void response.writeHead(302, { location: "/circle" }).end();
    case "/cut":
      response.writeHead(200, { "content-length": artifact.length });
      response.write(artifact.subarray(0, 1000));
      return void setTimeout(() => response.destroy(), 20);
    case "/slow":
      return void response.write("x");
    default:
      return void response.writeHead(404).end();
  }
};

async function failing(path: string, limits: Limits = relaxed()): Promise<Failure> {
  const error: unknown = await files.fetch(path, hash, limits).catch((reason: unknown) => reason);
  if (!(error instanceof DroverError)) throw new Error(`expected a DroverError, got ${String(error)}`);
  expect(readdirSync(join(directory, "cache", "artifacts"))).toEqual([]);
  return error.failure;
}

test("an artifact is downloaded once, verified, and found in the cache afterwards", async () => {
  const path = await files.fetch(`${base}/good`, hash, relaxed());
  expect(path).toBe(join(directory, "cache/artifacts", hash));
  expect(readFileSync(path).equals(artifact)).toBe(true);
  expect(await files.fetch(`${base}/good`, hash, relaxed())).toBe(path);
  expect(served).toEqual(["/good"]);
});

test("a cached file that was damaged is downloaded again", async () => {
  const path = await files.fetch(`${base}/good`, hash, relaxed());
  writeFileSync(path, "damaged");
  await files.fetch(`${base}/good`, hash, relaxed());
  expect(readFileSync(path).equals(artifact)).toBe(true);
});

test("redirects are followed, to https only", async () => {
  await files.fetch(`${base}/moved`, hash, relaxed());
  rmSync(join(directory, "cache"), { recursive: true, force: true });
  expect((await failing(`${base}/downgraded`)).message).toContain("http://127.0.0.1:1/good is not an https URL");
  expect((await failing(`${base}/circle`)).message).toContain("redirects");
  expect((await failing(base.replace("https", "http"))).message).toContain("not an https URL");
});

test("other bytes than were meant are refused and not kept", async () => {
  const wrong = "0".repeat(64);
  await expect(files.fetch(`${base}/good`, wrong, relaxed())).rejects.toMatchObject({
    failure: { code: "artifact", detail: [`expected: ${wrong}`, `got:      ${hash}`] },
  });
  expect(readdirSync(join(directory, "cache", "artifacts"))).toEqual([]);
});

test("what is not there, breaks off or takes too long is an error that says so", async () => {
  expect(await failing(`${base}/none`)).toMatchObject({ code: "artifact", message: expect.stringContaining("404") });
  expect(await failing(`${base}/cut`)).toMatchObject({ code: "artifact" });
  expect(await failing(`${base}/slow`, relaxed({ deadline: 200 }))).toMatchObject({
    code: "artifact",
    message: expect.stringContaining("0.2 s"),
  });
  expect(await failing(`${base}/slow`, relaxed({ signal: AbortSignal.timeout(100) }))).toMatchObject({
    code: "interrupted",
  });
});

test("a certificate that nobody vouches for is refused", async () => {
  const strict = createFiles({ directory, cache: join(directory, "cache"), certificates: [] });
  await expect(strict.fetch(`${base}/good`, hash, relaxed())).rejects.toMatchObject({ failure: { code: "artifact" } });
});

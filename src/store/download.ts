import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { rootCertificates } from "node:tls";
import { DroverError, failure } from "../model/errors.ts";
import type { Limits } from "../model/ports.ts";
import { reason, syncPath } from "./disk.ts";

/** What to download, and where to. */
export interface Download {
  readonly url: string;
  /** 64 lower-case hex digits. */
  readonly sha256: string;
  /** Absolute; its folder is made when it is not there. */
  readonly path: string;
  /** More certificates (PEM) to trust. */
  readonly certificates: readonly string[];
}

const REDIRECTS = 5;

/** Downloads over https only, redirects included, and keeps what has the right sha256. Throws a DroverError. */
export async function download(what: Download, limits: Limits): Promise<void> {
  const signal = AbortSignal.any([limits.signal, AbortSignal.timeout(limits.deadline)]);
  const temp = `${what.path}.part-${process.pid}`;
  try {
    await mkdir(dirname(what.path), { recursive: true });
    const got = await save(await follow(what, signal), temp, signal);
    if (got !== what.sha256) throw new DroverError(wrongHash(what, got));
    await syncPath(temp);
    await rename(temp, what.path);
  } catch (error) {
    await rm(temp, { force: true });
    if (error instanceof DroverError) throw error;
    if (limits.signal.aborted) throw new DroverError(failure("interrupted", `the download of ${what.url} was stopped`));
    const late = signal.aborted ? `took longer than ${limits.deadline / 1000} s` : reason(error);
    throw new DroverError(
      failure("artifact", `${what.url} cannot be downloaded: ${late}`, `try: curl -fLO ${what.url}`),
    );
  }
}

async function follow(what: Download, signal: AbortSignal): Promise<IncomingMessage> {
  let url = what.url;
  for (let hop = 0; hop <= REDIRECTS; hop += 1) {
    if (new URL(url).protocol !== "https:") throw new Error(`${url} is not an https URL`);
    const response = await request(url, what.certificates, signal);
    const { statusCode = 0, headers } = response;
    if (statusCode === 200) return response;
    response.resume();
    if (statusCode < 300 || statusCode > 399 || headers.location === undefined)
      throw new Error(`${url} answered ${statusCode}`);
    url = new URL(headers.location, url).href;
  }
  throw new Error(`more than ${REDIRECTS} redirects`);
}

function request(url: string, certificates: readonly string[], signal: AbortSignal): Promise<IncomingMessage> {
  // Without `ca` node trusts its own certificates and those of NODE_EXTRA_CA_CERTS.
  const trust = certificates.length === 0 ? {} : { ca: [...rootCertificates, ...certificates] };
  return new Promise((resolve, reject) => {
    get(url, { ...trust, signal, agent: false }, resolve).on("error", reject);
  });
}

async function save(response: IncomingMessage, path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  response.on("data", (chunk: Buffer) => hash.update(chunk));
  await pipeline(response, createWriteStream(path), { signal });
  return hash.digest("hex");
}

function wrongHash(what: Download, got: string): ReturnType<typeof failure> {
  return failure(
    "artifact",
    `${what.url} is not the artifact that was meant: its sha256 differs`,
    "correct artifact.sha256, or find out who replaced the file",
    [`expected: ${what.sha256}`, `got:      ${got}`],
  );
}

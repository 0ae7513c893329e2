import { failure } from "../model/errors.ts";
import type { Failure } from "../model/errors.ts";

/** Where a connection goes. */
export interface Endpoint {
  /** Its name in the inventory. */
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
}

/** "app1 (192.168.56.21 port 22)". */
export function place(endpoint: Endpoint): string {
  return `${endpoint.host} (${endpoint.address} port ${endpoint.port})`;
}

/** An error as node's sockets and ssh2 give it. */
export interface SocketError {
  readonly message: string;
  /** errno name, e.g. ECONNREFUSED. */
  readonly code: string;
  /** Where ssh2 says it happened, e.g. `client-authentication`. */
  readonly level: string;
}

/** Reads message, code and level off whatever was emitted. */
export function readError(error: unknown): SocketError {
  const bag: object = typeof error === "object" && error !== null ? error : { message: String(error) };
  const text = (key: string): string => String(Reflect.get(bag, key) ?? "");
  return { message: text("message"), code: text("code"), level: text("level") };
}

/** True when the server hung up before it said anything: sshd's MaxStartups does that to some of many at once. */
export function isBusyServer(error: SocketError): boolean {
  return (
    error.message.startsWith("Connection lost before handshake") ||
    (error.level === "client-socket" && error.code === "ECONNRESET")
  );
}

/** The failure for an error during connecting. */
export function connectFailure(endpoint: Endpoint, error: SocketError, tried: readonly string[]): Failure {
  const where = place(endpoint);
  if (error.level === "client-authentication") return keyRefused(endpoint, tried);
  switch (error.code) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return failure(
        "host-unresolved",
        `the address ${endpoint.address} of ${endpoint.host} does not resolve`,
        `correct hosts.${endpoint.host}.address in the inventory, or try: getent hosts ${endpoint.address}`,
      );
    case "ECONNREFUSED":
      return failure(
        "host-refused",
        `${where} refused the connection`,
        `is sshd running there, on port ${endpoint.port}? The port is ssh.port in drover.yaml`,
      );
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return failure("host-timeout", `no way to ${where}: ${error.message}`, `try: ping ${endpoint.address}`);
    default:
      return failure(
        "host-lost",
        `connecting to ${where} broke off: ${error.message}`,
        `try: ssh -v -p ${endpoint.port} ${endpoint.user}@${endpoint.address}`,
      );
  }
}

/** The failure for a host that did not answer in time. */
export function connectTimeout(endpoint: Endpoint, ms: number): Failure {
  return failure(
    "host-timeout",
    `${place(endpoint)} did not answer within ${ms / 1000} s`,
    `try: ssh -p ${endpoint.port} ${endpoint.user}@${endpoint.address}`,
  );
}

function keyRefused(endpoint: Endpoint, tried: readonly string[]): Failure {
  const what = tried.length === 0 ? "there is no key to log in with" : `${place(endpoint)} accepted none of our keys`;
  return failure(
    "key-refused",
    `${what} for user ${endpoint.user}${tried.length === 0 ? ` on ${place(endpoint)}` : ""}`,
    `set ssh.identity in drover.yaml or load a key into the agent, then try: ssh-copy-id -p ${endpoint.port} ${endpoint.user}@${endpoint.address}`,
    tried.map((key) => `tried: ${key}`),
  );
}

/** The failure for a connection that ended while something was going on. */
export function hostLost(endpoint: Endpoint, why: string): Failure {
  return failure(
    "host-lost",
    `the connection to ${place(endpoint)} was lost: ${why}`,
    "the command may still have finished there: run the same drover command again, it looks first",
  );
}

/** The failure for a live connection on which sshd starts nothing more. */
export function noSession(endpoint: Endpoint, why: string): Failure {
  return failure(
    "command-failed",
    `sshd on ${place(endpoint)} starts no further command on this connection: ${why}`,
    "its MaxSessions should be at least 10, the default of sshd_config",
  );
}

/** The failure for sudo that wants a password, is missing, or does not know us. */
export function sudoRefused(endpoint: Endpoint, stderr: string): Failure {
  return failure(
    "sudo-refused",
    `sudo on ${endpoint.host} does not let ${endpoint.user} become root without a password`,
    `allow it there: echo '${endpoint.user} ALL=(ALL:ALL) NOPASSWD: ALL' > /etc/sudoers.d/drover (mode 440); or log in as root with ssh.become: none`,
    lines(stderr),
  );
}

/** The last lines of what a program printed, for evidence. */
export function lines(text: string, last = 10): readonly string[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-last);
}

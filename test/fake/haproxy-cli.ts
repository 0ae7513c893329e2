import {
  checkOnce,
  enter,
  showSess,
  started,
  status,
  takeDown,
  type FakeServer,
  type FakeStream,
} from "./haproxy-server.ts";
import type { FakeBundleFile } from "./haproxy-files.ts";
import { parseConfig, rowsByServer } from "./haproxy-config.ts";

interface OldWorker {
  readonly pid: number;
  streams: FakeStream[];
  /** Keep-alive connections without a request; one ends with every look. */
  idle: number;
}

const STAT =
  "# pxname,svname,qcur,scur,stot,econ,eresp,wretr,wredis,hrsp_5xx,status,lastchg,type,check_status,check_code,check_health,check_rise,check_fall,chkdown,";
const NO_SESSION = "No such session (use 'show sess').\n";
const STATE =
  "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n";

/**
 * HAProxy with its master, as far as drover talks to it. Time is counted in looks: every `show stat` runs one check of
 * every server that is checked, and sends `traffic` requests to every server that takes some.
 */
export class FakeHaproxy {
  running = false;
  servers: Map<string, FakeServer> = new Map();
  /** In the current worker. */
  streams: FakeStream[] = [];
  idle = 0;
  /** Maps, lists and certificates as the current worker has them. */
  files: Map<string, FakeBundleFile> = new Map();
  old: OldWorker[] = [];
  traffic = 10;
  /** Whether a server's check passes now, by "backend/server". */
  passes: (ref: string) => boolean = () => true;
  /** A new worker that loads this text does not come up. */
  failsToStart: (config: string) => boolean = () => false;
  reloads = 0;
  failed = 0;
  #pid = 100;
  #stream = 0;

  get pid(): number {
    return this.#pid;
  }

  /** A client's request or tunnel that stays until it is closed. */
  open(ref: string, tunnel: boolean): FakeStream {
    this.#stream += 1;
    const stream = { id: `0x${this.#stream.toString(16)}`, ref, tunnel, source: `192.0.2.1:${1000 + this.#stream}` };
    this.streams.push(stream);
    return stream;
  }

  /** The end of a stream, wherever it is. */
  end(id: string): boolean {
    const before = this.#all().length;
    this.streams = this.streams.filter((stream) => stream.id !== id);
    for (const worker of this.old) worker.streams = worker.streams.filter((stream) => stream.id !== id);
    return this.#all().length < before;
  }

  has(id: string): boolean {
    return this.#all().some((stream) => stream.id === id);
  }

  /** Starts, or replaces the worker, with this file and state file. False: it did not come up and nothing changed. */
  load(config: string, state: string, files: ReadonlyMap<string, FakeBundleFile> = new Map()): boolean {
    if (this.failsToStart(config)) {
      if (this.running) this.failed = 1;
      return false;
    }
    if (this.running) {
      this.reloads += 1;
      this.old.push({ pid: this.#pid, streams: this.streams, idle: this.idle });
      this.streams = [];
      this.idle = 0;
    }
    this.running = true;
    this.failed = 0;
    this.#pid += 1;
    const rows = rowsByServer(state);
    this.files = new Map(files);
    this.servers = new Map(parseConfig(config).map((server) => [server.ref, started(server, rows.get(server.ref))]));
    return true;
  }

  /** What a running process is told; its own words where it would not, else "". Server by server, and whole files. */
  edit(config: string, files: ReadonlyMap<string, FakeBundleFile>, edits: readonly string[]): string {
    const wanted = new Map(parseConfig(config).map((server) => [server.ref, server]));
    for (const line of edits) {
      const [kind, first = "", second = ""] = line.split("\t");
      const server = wanted.get(`${first}/${second}`);
      if (kind === "server-remove") {
        if (this.streams.some(({ ref }) => ref === `${first}/${second}`)) return "Server still has connections";
        this.servers.delete(`${first}/${second}`);
      } else if (kind === "server-add" && server !== undefined) {
        // Without a mark it is down until its checks pass.
        const added = started(server, { admin: server.marked ? 12 : 0, up: server.marked });
        this.servers.set(server.ref, added);
      }
    }
    this.files = new Map(files);
    const other = this.otherwise(config);
    return other === "" ? "" : `HAProxy has something else: ${other}`;
  }

  /** Which servers run at another address than the file says; "" for none. */
  otherwise(config: string): string {
    return parseConfig(config)
      .filter(({ ref, address, port }) => {
        const has = this.servers.get(ref);
        return has !== undefined && (has.address !== address || has.port !== port);
      })
      .map(({ ref }) => `server ${ref} has another address`)
      .join(", ");
  }

  /** `set server REF addr … port …`. */
  move(ref: string, to: { readonly address: string; readonly port: number }): void {
    const server = this.servers.get(ref);
    if (server !== undefined) this.servers.set(ref, { ...server, ...to });
  }

  stop(): void {
    this.running = false;
    this.streams = [];
    this.old = [];
    this.reloads = 0;
  }

  /** One line on the admin socket; null: nobody listens. */
  admin(line: string): string | null {
    return this.running ? this.#answer(line) : null;
  }

  /** One line on the master's socket; null: nobody listens. */
  master(line: string): string | null {
    if (!this.running) return null;
    if (line === "show proc") return this.#showProc();
    const [, pid = "", command = ""] = /^@!(\d+) (.*)$/.exec(line) ?? [];
    const worker = this.old.find((each) => each.pid === Number(pid));
    if (Number(pid) === this.#pid) return this.#answer(command);
    if (worker === undefined) return `Can't find the target PID matching the prefix '@!${pid}'\n`;
    return this.#answerOld(worker, command);
  }

  #all(): readonly FakeStream[] {
    return [...this.streams, ...this.old.flatMap(({ streams }) => streams)];
  }

  #showProc(): string {
    const row = (pid: number, type: string, reloads: string): string =>
      `${pid} ${type} ${reloads} 0d00h00m01s 2.6.12\n`;
    const old = this.old.map(({ pid }, index) => row(pid, "worker", String(this.old.length - index))).join("");
    const text =
      `#<PID> <type> <reloads> <uptime> <version>\n${row(1, "master", `${this.reloads} [failed: ${this.failed}]`)}` +
      `# workers\n${row(this.#pid, "worker", "0")}${old === "" ? "" : `# old workers\n${old}`}# programs\n\n`;
    // A worker without connections ends by itself.
    this.old = this.old.filter(({ streams, idle }) => streams.length > 0 || idle > 0);
    return text;
  }

  #answerOld(worker: OldWorker, command: string): string {
    if (command === "show info") {
      const connections = worker.streams.length + worker.idle;
      worker.idle = Math.max(0, worker.idle - 1);
      return `Name: HAProxy\nPid: ${worker.pid}\nCurrConns: ${connections}\n\n`;
    }
    if (command === "show sess") return showSess(worker.streams);
    const id = /^shutdown session (\S+)$/.exec(command)?.[1];
    if (id !== undefined) return this.end(id) ? "\n" : NO_SESSION;
    return "Proxy is disabled.\n\n";
  }

  #answer(line: string): string {
    const [verb, what, ...rest] = line.split(" ");
    switch (verb) {
      case "show":
        return this.#show(what ?? "", rest);
      case "set":
        return this.#set(rest);
      case "shutdown":
        return this.#shutdown(rest);
      default:
        return "Unknown command.\n\n";
    }
  }

  #show(what: string, rest: readonly string[]): string {
    switch (what) {
      case "info":
        return `Name: HAProxy\nVersion: 2.6.12\nUptime_sec: 1\nPid: ${this.#pid}\nCurrConns: ${this.streams.length + this.idle}\nSessRate: 0\n\n`;
      case "sess":
        return showSess(this.streams);
      case "servers":
        return this.#showState(rest[1]);
      case "stat":
        return this.#showStat(rest[0]);
      default:
        return "Unknown command.\n\n";
    }
  }

  /** `shutdown session ID`, `shutdown sessions server REF`. */
  #shutdown([first = "", ref]: readonly string[]): string {
    if (ref === undefined) return this.end(first) ? "\n" : NO_SESSION;
    if (!this.servers.has(ref)) return "No such server.\n\n";
    this.streams = this.streams.filter((stream) => stream.ref !== ref);
    return "\n";
  }

  /** `set server REF WHAT VALUE`. */
  #set([ref = "", what = "", value = "", , port = ""]: readonly string[]): string {
    const server = this.servers.get(ref);
    if (server === undefined) return "No such server.\n\n";
    if (what === "addr") {
      this.move(ref, { address: value, port: Number(port) });
      return `port changed from '${String(server.port)}' to '${port}' by 'stats socket command'\n\n`;
    }
    switch (`${what} ${value}`) {
      case "state ready":
        return enter(server, "ready");
      case "state drain":
        return enter(server, "drain");
      case "state maint":
        return enter(server, "maint");
      case "health down":
        takeDown(server);
        return "\n";
      default:
        return `'set server <srv> ${what}' expects something else.\n\n`;
    }
  }

  #showState(backend: string | undefined): string {
    const all = [...this.servers.values()].filter((server) => backend === undefined || server.backend === backend);
    if (all.length === 0 && backend !== undefined) return "Can't find backend.\n\n";
    const row = (server: FakeServer): string => {
      const up = server.admin !== "maint" && server.health >= server.rise;
      const admin = { ready: 0, drain: 8, maint: 1 }[server.admin] + (server.marked ? 4 : 0);
      const check = `${server.check === "INI" ? 1 : 15} 3 ${server.health} 6`;
      return `4 ${server.backend} 1 ${server.name} ${server.address} ${up ? 2 : 0} ${admin} 1 1 0 ${check} 0 0 0 - ${server.port} - 0 0 - - 0\n`;
    };
    return `${STATE}${all.map(row).join("")}\n`;
  }

  #showStat(backend: string | undefined): string {
    for (const server of this.servers.values()) this.#tick(server);
    const all = [...this.servers.values()].filter(
      (server) => backend === undefined || backend === "-1" || server.backend === backend,
    );
    const row = (server: FakeServer): string => {
      const scur = this.streams.filter((stream) => stream.ref === server.ref).length;
      const check = server.check === "INI" ? "INI,," : `${server.check},${server.check === "L7OK" ? 200 : 503},`;
      const health = `${check}${server.health},${server.rise},${server.fall},${server.chkdown},`;
      return `${server.backend},${server.name},0,${scur},${server.stot + scur},${server.econ},0,0,0,0,${status(server)},0,2,${health}\n`;
    };
    return `${STAT}\n${all.map(row).join("")}\n`;
  }

  #tick(server: FakeServer): void {
    if (server.admin === "maint") return;
    const wasUp = server.health >= server.rise;
    const passes = this.passes(server.ref);
    checkOnce(server, passes);
    if (server.admin !== "ready" || !wasUp) return;
    server.stot += this.traffic;
    if (!passes) server.econ += this.traffic;
  }
}

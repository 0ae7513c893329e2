import { describe, expect, test } from "vitest";
import { isUp, parseInfo, parseProc, parseServersState, parseSess, parseStat } from "../../../src/lb/parse.ts";
import { DroverError } from "../../../src/model/errors.ts";

// Recorded from HAProxy 2.6.12-1+deb12u4.
const STATE = `1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port
4 shop 1 app1 127.0.0.1 2 12 1 1 11 15 3 5 6 0 0 0 - 8081 - 0 0 - - 0
4 shop 2 app2 127.0.0.1 0 1 1 1 628 15 3 0 14 0 0 0 - 8082 - 0 0 - - 0
4 shop 3 app3 fd00::3 2 0 1 1 628 15 3 5 6 0 0 0 - 8083 - 0 0 - - 0

`;
const STAT_HEAD =
  "# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight,act,bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,lbtot,tracked,type,rate,rate_lim,rate_max,check_status,check_code,check_duration,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,req_rate,req_rate_max,req_tot,cli_abrt,srv_abrt,comp_in,comp_out,comp_byp,comp_rsp,lastsess,last_chk,last_agt,qtime,ctime,rtime,ttime,agent_status,agent_code,agent_duration,check_desc,agent_desc,check_rise,check_fall,check_health,agent_rise,agent_fall,agent_health,addr,cookie,mode,algo,";
const STAT = `${STAT_HEAD}
shop,app1,0,0,1,2,4000,2,58,113,,0,,3,4,5,6,UP,1,1,0,0,2,321,0,,1,4,1,,2,,2,0,,2,L7OK,200,0,0,1,0,0,7,0,,,,1,0,0,,,,,2,,,0,0,1,2,,,,Layer7 check passed,,3,3,5,,,,127.0.0.1:8081,,http,,
shop,BACKEND,0,0,1,2,800,2,58,113,0,0,,0,0,0,0,UP,3,3,0,,0,321,0,,1,4,0,,2,,1,0,,2,,,,0,1,0,0,0,0,,,,1,0,0,0,0,0,0,2,,,0,0,1,2,,,,,,,,,,,,,,http,roundrobin,
shop,app2,0,0,0,1,4000,1,0,0,,0,,0,0,0,0,UP 1/3,1,1,0,0,0,0,0,,1,4,2,,1,,2,1,,1,* INI,,,0,1,0,0,0,0,,,,1,0,0,,,,,2,,,0,0,0,0,,,,Initializing,,3,3,3,,,,127.0.0.1:8082,,http,,

`;
const PROC = `#<PID>          <type>          <reloads>       <uptime>        <version>      
22490           master          7 [failed: 1]   0d00h06m56s     2.6.12-1+deb12u4
# workers
19018           worker          0               0d00h00m01s     2.6.12-1+deb12u4
# old workers
2035            worker          1               1d02h05m21s     2.6.12-1+deb12u4
# programs

`;
const SESS = `0x55c91e76bc90: proto=tcpv4 src=127.0.0.1:45008 fe=drover_http be=shop srv=app1 ts=00 epoch=0 age=1s calls=3 rate=0 cpu=0 lat=0 rq[f=49c40080h,i=0,an=8000h,rx=,wx=,ax=] rp[f=80040202h,i=0,an=4000000h,rx=59s,wx=,ax=] scf=[8,80h,fd=14] scb=[8,11h,fd=15] exp=2s rc=0 c_exp=
0x55c91e74a620: proto=unix_stream src=unix:1 fe=GLOBAL be=<NONE> srv=<none> ts=00 epoch=0 age=0s calls=1 rate=1 cpu=0 lat=0 rq[f=c08002h,i=0,an=00h,rx=30s,wx=,ax=] rp[f=80008002h,i=0,an=00h,rx=,wx=,ax=] scf=[8,0h,fd=18] scb=[8,1h,fd=-1] exp=30s rc=0 c_exp=
0x7ff764042a00: proto=tcpv4 src=127.0.0.1:45020 fe=drover_http be=shop srv=app2 ts=00 epoch=0 age=1s calls=3 rate=0 cpu=0 lat=0 rq[f=8c48000h,i=0,an=00h,rx=59m59s,wx=59m59s,ax=] rp[f=88048000h,i=0,an=00h,rx=59m59s,wx=59m59s,ax=] scf=[8,0h,fd=16] scb=[8,11h,fd=17] exp=2s rc=0 c_exp=

`;

describe("HAProxy's answers", () => {
  test("show servers state", () => {
    const named = { srv: null, target: null };
    expect(parseServersState(STATE)).toEqual([
      { backend: "shop", server: "app1", address: "127.0.0.1", port: 8081, admin: "drain", running: true, ...named },
      { backend: "shop", server: "app2", address: "127.0.0.1", port: 8082, admin: "maint", running: false, ...named },
      { backend: "shop", server: "app3", address: "fd00::3", port: 8083, admin: "ready", running: true, ...named },
    ]);
  });

  test.for([
    [0, "ready"],
    [4, "ready"],
    [0x40, "ready"],
    [8, "drain"],
    [12, "drain"],
    [16, "drain"],
    [1, "maint"],
    [5, "maint"],
    [9, "maint"],
    [0x20, "maint"],
  ] as const)("the admin mask %d is %s", ([mask, state]) => {
    const text = STATE.replace(" 2 12 ", ` 2 ${mask} `);
    expect(parseServersState(text)[0]?.admin).toBe(state);
  });

  test("show servers state of servers that DNS names: that one is nowhere is nobody's doing", () => {
    const row = (name: string, address: string, mask: number, fqdn: string): string =>
      `3 billing 1 ${name} ${address} 2 ${mask} 1 1 4 6 3 4 6 0 0 0 ${fqdn} 9000 _billing._tcp.svc.test 0 0 - - 0\n`;
    const text = `${STATE.split("\n").slice(0, 2).join("\n")}\n${row("billing1", "192.0.2.9", 64, "vm9.svc.test")}${row("billing2", "-", 32, "-")}${row("billing3", "192.0.2.8", 65, "vm8.svc.test")}`;
    expect(parseServersState(text)).toMatchObject([
      { server: "billing1", admin: "ready", srv: "_billing._tcp.svc.test", target: "vm9.svc.test" },
      { server: "billing2", admin: "ready", srv: "_billing._tcp.svc.test", target: null },
      { server: "billing3", admin: "maint", srv: "_billing._tcp.svc.test", target: "vm8.svc.test" },
    ]);
  });

  test("show stat, by the columns' names and for servers only", () => {
    const [first, second, ...more] = parseStat(STAT);
    expect(more).toEqual([]);
    expect(first).toEqual({
      backend: "shop",
      server: "app1",
      status: "UP",
      checkStatus: "L7OK",
      checkCode: 200,
      checkDuration: 0,
      scur: 1,
      qcur: 0,
      stot: 2,
      econ: 3,
      eresp: 4,
      wretr: 5,
      wredis: 6,
      hrsp5xx: 7,
      rate: 0,
      lastchg: 321,
      chkdown: 2,
      checkHealth: 5,
      checkRise: 3,
      checkFall: 3,
    });
    expect(first && isUp(first)).toBe(true);
    expect(second && isUp(second)).toBe(true);
    expect(second && isUp({ ...second, checkStatus: "L7STS", status: "UP 2/3" })).toBe(false);
    expect(second && isUp({ ...second, checkStatus: "L7STS", status: "DOWN 2/3" })).toBe(false);
  });

  test("show proc", () => {
    expect(parseProc(PROC)).toEqual({
      master: { pid: 22490, reloads: 7, failed: 1 },
      current: { pid: 19018, reloads: 0, uptime: 1 },
      old: [{ pid: 2035, reloads: 1, uptime: 93_921 }],
    });
  });

  test("show sess tells a tunnel from a response that streams, and leaves itself out", () => {
    expect(parseSess(SESS)).toEqual([
      {
        id: "0x55c91e76bc90",
        frontend: "drover_http",
        backend: "shop",
        server: "app1",
        source: "127.0.0.1:45008",
        tunnel: false,
      },
      {
        id: "0x7ff764042a00",
        frontend: "drover_http",
        backend: "shop",
        server: "app2",
        source: "127.0.0.1:45020",
        tunnel: true,
      },
    ]);
  });

  test("show info", () => {
    expect(parseInfo("Name: HAProxy\nMaxSslConns: 9\nCurrConns: 4\nCurrSslConns: 0\n", "CurrConns")).toBe(4);
  });

  test.for([
    ["show servers state", parseServersState],
    ["show stat", parseStat],
    ["show proc", parseProc],
    ["show sess", parseSess],
    ["show info", (text: string) => parseInfo(text, "CurrConns")],
  ] as const)("a refusal instead of %s is an error that shows it", ([what, parse]) => {
    try {
      parse("Unknown command.\n");
    } catch (error) {
      expect(error).toBeInstanceOf(DroverError);
      const failure = error instanceof DroverError ? error.failure : null;
      expect(failure).toMatchObject({ code: "balancer-answer", detail: ["Unknown command."] });
      expect(failure?.message).toContain(what);
      return;
    }
    expect.unreachable(`${what} was accepted`);
  });
});

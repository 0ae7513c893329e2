-- Paces wrk: every connection waits DELAY milliseconds before each request, so that load is a rate and not a flood, and
-- asks for the HOSTS (a,b,c) in turn; where CLOSE is set, on a new connection each time. wrk does not retry: whatever
-- fails, counts.
local wait = tonumber(os.getenv("DELAY") or "100")
local prepared, turn = {}, 0

function init(args)
  for host in string.gmatch(os.getenv("HOSTS") or "", "[^,]+") do
    local headers = { Host = host }
    if os.getenv("CLOSE") then headers.Connection = "close" end
    prepared[#prepared + 1] = wrk.format("GET", nil, headers)
  end
end

function request()
  turn = turn % #prepared + 1
  return prepared[turn]
end

function delay()
  return wait
end

function done(summary, latency, requests)
  local e = summary.errors
  local failed = e.connect + e.read + e.write + e.status + e.timeout
  if failed > 0 then
    io.write(string.format("of these: connect %d, read %d, write %d, status %d, timeout %d\n",
      e.connect, e.read, e.write, e.status, e.timeout))
  end
  io.write(string.format("paced: %d requests, %d failed\n", summary.requests, failed))
end

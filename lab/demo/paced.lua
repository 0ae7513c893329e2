-- Paces wrk: every connection waits DELAY milliseconds before each request, so that load is a rate and not a flood.
-- wrk does not retry: whatever fails, counts.
local wait = tonumber(os.getenv("DELAY") or "100")

function delay()
  return wait
end

function done(summary, latency, requests)
  local e = summary.errors
  local failed = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format("paced: %d requests, %d failed\n", summary.requests, failed))
end

-- wrk: sends the requests of a file, one after the other and each once. Argument: the file. Before each request stand eight
-- digits, its length in bytes. Made before, since a signature costs more than the answer to it.

local file

function init(arguments)
  file = assert(io.open(arguments[1], "rb"))
end

function request()
  local length = file:read(8)
  if not length then
    error("no callbacks are left: more of them must be prepared for so fast a server")
  end
  return file:read(tonumber(length))
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"seconds":%f,"p50_ms":%f,"p99_ms":%f,"refused":%d,"lost":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end

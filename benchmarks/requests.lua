-- wrk: one endless series of GET or of PATCH on random contacts. Arguments: method, key, contacts, id prefix.
-- What is sent is written by hand, since wrk.format costs the core that it shares with the database too much.

local method, key, contacts, prefix, lines
local sent = 0

local bodies = {
  function(n) return string.format('{"firstName":"Camille %d","role":"Head of Sales %d"}', n, n) end,
  function(n) return string.format('{"company":"Atelier %d","city":"Lille %d"}', n, n % 977) end,
  function(n) return string.format('{"email":"camille.moreau.%d@example.com"}', n) end,
  function(n) return string.format('{"phoneNumbers":["+3363998%04d","+3319900%04d"]}', n % 10000, n % 9973) end,
  function(n) return string.format('{"customFields":{"industry":"Secteur %d","team_size":"%d"}}', n, n % 997) end,
  function(n)
    return string.format('{"lastName":"Moreau %d","url":"https://example.com/%d","allowPhoneCalls":true}', n, n)
  end,
}

function init(arguments)
  method, key, contacts, prefix = arguments[1], arguments[2], tonumber(arguments[3]), arguments[4]
  lines = " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\nAuthorization: Bearer " .. key .. "\r\n"
  math.randomseed(os.time())
end

function request()
  local line = method .. " /v1/contacts/" .. prefix .. string.format("%012d", math.random(contacts)) .. lines
  if method == "GET" then
    return line .. "\r\n"
  end
  sent = sent + 1
  local body = bodies[sent % #bodies + 1](math.random(1000000))
  return line .. "Content-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"seconds":%f,"p50_ms":%f,"p99_ms":%f,"refused":%d,"lost":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end

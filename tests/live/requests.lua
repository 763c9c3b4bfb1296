-- What wrk asks for: several methods, identifiers in paths, bodies, compressed and empty answers.
local pause = tonumber(os.getenv("PAUSE_MS") or "20")
local serial = 0

function setup(thread)
    serial = serial + 1
    thread:set("seed", serial)
end

function init()
    math.randomseed(seed * 7919)
end

function delay()
    return pause
end

function request()
    local dice = math.random(100)
    if dice <= 40 then
        return wrk.format("GET", "/api/v1/users/" .. math.random(1, 5000))
    elseif dice <= 60 then
        return wrk.format("GET", "/api/v1/users/" .. math.random(1, 5000) .. "/posts?page=" .. math.random(1, 9))
    elseif dice <= 75 then
        local body = string.format('{"sku":"S-%d","quantity":%d}', math.random(1, 999), math.random(1, 5))
        return wrk.format("POST", "/api/v1/orders", { ["Content-Type"] = "application/json" }, body)
    elseif dice <= 85 then
        local id = string.format("%08x-0000-4000-8000-%012x", math.random(0, 2147483647), math.random(0, 2147483647))
        return wrk.format("DELETE", "/api/v1/files/" .. id)
    elseif dice <= 92 then
        return wrk.format("GET", "/reports/daily.json", { ["Accept-Encoding"] = "gzip" })
    elseif dice <= 97 then
        return wrk.format("GET", "/api/v1/flaky")
    else
        return wrk.format("GET", "/lost/" .. math.random(1, 50))
    end
end

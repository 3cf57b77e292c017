public import Broker

// The census is kept in Redis by a script, so that a report is taken as a whole, and once.
extension RedisBridge: NodeCensus {
    /// A node that does not report for so long is forgotten.
    private static let leaseMilliseconds = 30_000

    /// Sends a report to the server that has the census.
    public func report(
        _ report: CensusReport, completion: @escaping (Result<CensusAnswer, BrokerFailure>) -> Void
    ) {
        let keys = channels.censusKeys
        let command = CensusScript.command(for: report, keys, leaseMilliseconds: RedisBridge.leaseMilliseconds)
        ask(about: keys[0], { $0.ask(command, answered: $1) }) { reply, failure in
            if let failure { return completion(.failure(failure)) }
            guard let answer = reply?.text.flatMap(CensusAnswer.init(script:)) else {
                return completion(.failure(BrokerFailure("Redis sent no answer of the script")))
            }
            completion(.success(answer))
        }
    }
}

extension CensusAnswer {
    /// Reads what the script returns: a line with the order, one with a digit for each change, one that says whether
    /// there is more, and one for each name that is gone.
    init?(script text: String) {
        guard text != CensusScript.forgotten else {
            self = .forgotten
            return
        }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 3, let order = Int(lines[0]) else { return nil }
        let gone = lines.dropFirst(3).filter { !$0.isEmpty }.map(String.init)
        self = .taken(order: order, decisive: lines[1].map { $0 == "1" }, gone: gone, isMore: lines[2] == "1")
    }
}

/// The script that takes a report.
///
/// It has four keys, in one slot of a cluster: the nodes with the ends of their leases, how many nodes have a name, a
/// name behind each node that has it, and the last answer to each node, with the last order. An answer is repeated if
/// the same report comes again, because the node has not got it. The order is Redis' clock, if that does not go back.
enum CensusScript {
    static let forgotten = "forgotten"

    static func command(for report: CensusReport, _ keys: [String], leaseMilliseconds: Int) -> RedisCommand {
        let head = [report.node, String(report.number), String(leaseMilliseconds), report.continues ? "1" : "0"]
        let changes = report.changes.map { ($0.isArrival ? "+" : "-") + $0.name }
        return RedisCommand("EVAL", [text, String(keys.count)] + keys + head + changes)
    }

    static let text = #"""
        local leases, counts, names, answers = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
        local node, number, lease, continues = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)

        local last = redis.call('HGET', answers, node)
        if last and string.sub(last, 1, #number + 1) == number .. '\n' then
          return string.sub(last, #number + 2)
        end
        local ends = redis.call('ZSCORE', leases, node)
        if continues == '1' and not (ends and tonumber(ends) > now) then return 'forgotten' end
        redis.call('ZADD', leases, now + lease, node)

        local function ended(name)
          if redis.call('HINCRBY', counts, name, -1) > 0 then return false end
          redis.call('HDEL', counts, name)
          return true
        end

        local decisive = {}
        for i = 5, #ARGV do
          local name = string.sub(ARGV[i], 2)
          local is_decisive = false
          if string.sub(ARGV[i], 1, 1) == '-' then
            is_decisive = redis.call('ZREM', names, node .. name) == 1 and ended(name)
          elseif redis.call('ZADD', names, 0, node .. name) == 1 then
            is_decisive = redis.call('HINCRBY', counts, name, 1) == 1
          end
          decisive[#decisive + 1] = is_decisive and '1' or '0'
        end

        local gone, more = {}, '0'
        local dead = redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, 1)[1]
        if dead then
          more = '1'
          local owned = redis.call('ZRANGEBYLEX', names, '[' .. dead, '(' .. dead .. '\255', 'LIMIT', 0, 100)
          for _, member in ipairs(owned) do
            redis.call('ZREM', names, member)
            local name = string.sub(member, #dead + 1)
            if ended(name) then gone[#gone + 1] = name end
          end
          if #owned < 100 then
            redis.call('ZREM', leases, dead)
            redis.call('HDEL', answers, dead)
          end
        end

        local order = math.max(now, (tonumber(redis.call('HGET', answers, 'order')) or 0) + 1)
        redis.call('HSET', answers, 'order', order)
        for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, 86400) end
        local answer = string.format('%.0f', order) .. '\n' .. table.concat(decisive) .. '\n' .. more .. '\n' .. table.concat(gone, '\n')
        redis.call('HSET', answers, node, number .. '\n' .. answer)
        return answer
        """#
}

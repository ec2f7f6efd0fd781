public import Configuration
public import Supervision
public import Worker

/// What an answer to `probe` means, weighed against earlier looks where the kind asks for that.
///
/// `attempt` is the instance's current attempt: with another one the trend begins anew. A look that
/// cannot say anything yet (the first of a trend) is `unknown`: neither a strike, nor a pass that
/// would confirm a start. Pure: the time is told.
public func judge(
    _ probe: Probe, _ answer: Answer, attempt: Int, at now: Instant, trend: inout Trend
) -> Verdict {
    switch (probe.kind, answer.outcome) {
    case (_, .unknown): return Verdict(.unknown, answer.reason)
    case (_, .failed): return Verdict(.failed, answer.reason)
    case (.cpu(let cpu), .passed):
        return trend.judge(probe.policy, answer, attempt, now) { trend, step in
            trend.judge(cpu, step)
        }
    case (.progress(let progress), .passed):
        return trend.judge(probe.policy, answer, attempt, now) { trend, step in
            trend.judge(progress, step)
        }
    case (_, .passed): return Verdict(.passed, answer.reason)
    }
}

/// From one look to the next.
private struct Step {
    /// How the value has changed.
    let change: Int64
    /// The time between.
    let gap: Interval
    /// As much of it as looks explain.
    let explained: Interval
}

extension Trend {
    /// Takes the new look in; `weigh` is asked unless it is a trend's first.
    fileprivate mutating func judge(
        _ policy: ProbePolicy, _ answer: Answer, _ attempt: Int, _ now: Instant,
        _ weigh: (inout Trend, Step) -> Verdict
    ) -> Verdict {
        guard let new = answer.value else { return Verdict(.unknown, "nothing was measured") }
        defer { (value, at) = (new, now) }
        guard self.attempt == attempt else {
            self = Trend()
            self.attempt = attempt
            return Verdict(.unknown, "the first look: the next one will tell")
        }
        let gap = now - at
        guard gap > .zero else { return sofar("looked twice at once") }
        let longest = Interval(
            nanoseconds: 2 * policy.interval.nanoseconds + policy.timeout.nanoseconds)
        return weigh(
            &self,
            Step(change: new &- value, gap: gap, explained: gap < longest ? gap : longest))
    }

    fileprivate mutating func judge(_ cpu: CPUProbe, _ step: Step) -> Verdict {
        // Processes that ended have taken their time with them; or nobody looked for so long that a
        // mean says nothing.
        guard step.change >= 0, step.explained == step.gap else {
            return sofar("the processor time cannot be compared")
        }
        let share = Int(Double(step.change) * 100 / Double(step.gap.nanoseconds))
        if share < cpu.below { return well() }
        amiss = amiss.adding(step.explained)
        if amiss < cpu.window { return sofar("\(share) % of a core in use") }
        return Verdict(
            .failed, "\(share) % of a core in use, and at least \(cpu.below) % for \(amiss.text)")
    }

    fileprivate mutating func judge(_ progress: ProgressProbe, _ step: Step) -> Verdict {
        if step.change != 0 { return well() }
        amiss = amiss.adding(step.explained)
        if amiss < progress.within { return sofar("has not moved yet") }
        return Verdict(.failed, "has not moved for \(amiss.text)")
    }

    private mutating func well() -> Verdict {
        amiss = .zero
        wasWell = true
        return Verdict(.passed)
    }

    /// Not long enough amiss to be wrong; right only if it has ever been.
    private func sofar(_ reason: String) -> Verdict {
        wasWell ? Verdict(.passed) : Verdict(.unknown, reason)
    }
}

extension Interval {
    fileprivate func adding(_ other: Interval) -> Interval {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(other.nanoseconds)
        return Interval(nanoseconds: overflow ? .max : sum)
    }

    fileprivate var text: String { inSeconds(nanoseconds) }
}

import Configuration
import Ledger
import Linux
import Records
import Supervision

/// A deploy tool's own way to start a service: preflight → start → postflight. What a start command
/// leaves behind is never touched.
extension Daemon {
    /// A start command that has not returned by then stays, and the postflight begins.
    static let startStays: Int64 = 5_000_000_000

    /// False: there is nothing to be done before the last start command.
    func beginPreflight(
        _ place: Int, _ hand: ProcessHand, _ sequence: StartSequence, attempt: Int
    ) -> Bool {
        dropDueCourses(place)
        // What still follows an earlier start is that one's: two at once would disturb each other.
        for course in courses where course.place == place {
            if let pid = course.pid { Signal.send(Signal.kill, to: -pid) }
        }
        hand.postflightIsDue = !sequence.postflight.isEmpty
        let steps = sequence.before
        guard !steps.isEmpty else { return false }
        let course = Course(
            place, hand.facts.name, attempt: attempt, steps,
            timeout: sequence.timeout.nanoseconds)
        courses.append(course)
        runStep(course, hand)
        return true
    }

    /// The start command has returned, or stays.
    func beginPostflight(_ place: Int, _ hand: ProcessHand) {
        guard let sequence = hand.sequence, hand.postflightIsDue else { return }
        hand.postflightIsDue = false
        dropDueCourses(place)
        let course = Course(
            place, hand.facts.name, attempt: nil, sequence.after,
            timeout: sequence.timeout.nanoseconds)
        courses.append(course)
        runStep(course, hand)
    }

    /// The start command has failed: nothing follows it.
    func cancelPostflight(_ place: Int, _ hand: ProcessHand) {
        hand.postflightIsDue = false
        dropDueCourses(place)
    }

    private func dropDueCourses(_ place: Int) {
        courses.removeAll { $0.place == place && $0.pid == nil }
    }

    private func runStep(_ course: Course, _ hand: ProcessHand) {
        course.began = now.boot
        do {
            let child = try hand.step(course.steps[course.next].text).spawn(attempt: 0, by: spawner)
            let pid = child.pid
            course.pid = pid
            do throws(SystemError) {
                try follow(
                    Errand(
                        .step(pid: pid), child, output: nil, deadline: now.boot + course.timeout))
            } catch {
                // Nobody would see its end, nor end it.
                Signal.send(Signal.kill, to: -pid)
                throw error
            }
        } catch {
            finishStep(course, .failed("\(error)"))
        }
    }

    func stepEnded(_ pid: Int32, _ status: WaitStatus?) {
        guard let course = courses.first(where: { $0.pid == pid }) else { return }
        let end: StepEnd =
            switch status {
            case .exited(let code): .code(code)
            case .signalled(let signal): .signal(signal)
            case nil: .late
            }
        finishStep(course, end)
    }

    private func finishStep(_ course: Course, _ end: StepEnd) {
        course.pid = nil
        let step = course.steps[course.next]
        guard let hand = process(at: course.place), hand.facts.name == course.name else {
            return courses.removeAll { $0 === course }
        }
        write(
            .stepEnded(
                InstanceID(course.place), step: step.kind, number: step.number, end,
                took: Interval(nanoseconds: now.boot - course.began)))
        course.next += 1
        if end == .code(0), course.next < course.steps.count, !isUnwanted(course) {
            return runStep(course, hand)
        }
        courses.removeAll { $0 === course }
        guard let attempt = course.attempt else { return }
        if end == .code(0), !isUnwanted(course) {
            makeProcess(course.place, hand, attempt: attempt)
            perform()
        } else {
            var code: Int32 = 0
            if case .code(let exit) = end { code = exit }
            tell(course.place, .spawnFailed(SpawnFailure(step: .sequence, code: code)))
        }
    }

    /// Nobody waits for its start any more.
    private func isUnwanted(_ course: Course) -> Bool {
        guard course.attempt != nil else { return false }
        return mind.status(InstanceID(course.place), at: instant).phase != .starting(.spawning)
    }

    /// Ends the steps of starts that nobody wants any more, and begins what is due.
    func keepCourses() {
        for course in courses {
            if let pid = course.pid, isUnwanted(course) {
                Signal.send(Signal.kill, to: -pid)
            } else if let due = course.due, due <= now.boot {
                // Whatever comes of it: what is due must not wake the loop for ever.
                courses.removeAll { $0 === course }
                guard let hand = process(at: course.place), hand.facts.name == course.name else {
                    continue
                }
                beginPostflight(course.place, hand)
            }
        }
    }

    /// The start command runs: the postflight follows its return, or comes when it stays.
    func awaitPostflight(_ place: Int, _ hand: ProcessHand) {
        guard hand.detaches, hand.postflightIsDue else { return }
        let course = Course(place, hand.facts.name, attempt: nil, [], timeout: 0)
        course.due = now.boot + Self.startStays
        courses.append(course)
    }
}

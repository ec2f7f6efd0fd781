import Configuration
import Control
import Linux
import Supervision
import Systemd

/// How the watchdogs stand, for status.
extension Daemon {
    var watchdogReport: WatchdogReport? {
        guard let policy = watchdog.policy else { return nil }
        let starvation = watchdog.feeding?.starvation
        let state =
            if starvation != nil {
                WatchdogReport.starving
            } else if policy.isTest {
                WatchdogReport.test
            } else {
                watchdog.feeding == nil ? WatchdogReport.waiting : WatchdogReport.feeding
            }
        var report = WatchdogReport(state: state)
        report.condition = starvation?.condition.rawValue
        report.reason = watchdog.ban?.words(at: instant)
        report.watchedMilliseconds = manager?.interval.map { $0 / 1_000_000 }
        // Nobody has looked whether they are there where none is to be opened.
        let isOff = watchdog.ban != nil && !policy.isTest
        report.devices = watchdog.posts.map {
            isOff ? .init(path: $0.paths[0], state: WatchdogReport.Device.off) : $0.report
        }
        if policy.isTest {
            for i in report.devices.indices {
                report.devices[i].timeoutMilliseconds = policy.timeout.nanoseconds / 1_000_000
            }
        }
        return report
    }
}

extension WatchdogPost {
    fileprivate typealias Report = WatchdogReport.Device

    fileprivate var report: Report {
        switch state {
        case .awaited: return Report(path: paths[0], state: Report.absent)
        case .test: return Report(path: paths[0], state: Report.test)
        case .busy(let path, let holder):
            var report = Report(path: path, state: Report.busy)
            report.detail = holder
            return report
        case .unusable(let path, let reason):
            var report = Report(path: path, state: Report.unusable)
            report.detail = reason
            return report
        case .armed(let device):
            var report = Report(path: device.path, state: Report.armed)
            report.identity = device.identity.isEmpty ? nil : device.identity
            report.timeoutMilliseconds = device.timeout.map { Int64($0) * 1000 }
            report.isNoWayOut = device.isNoWayOut
            report.disarmsAtDeath = device.disarmsAtDeath
            return report
        }
    }
}

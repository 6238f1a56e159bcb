import Journal
import Testing

@testable import Probe

@Suite struct SlotScheduleTests {
    private func schedule(
        interval: Duration = .milliseconds(20), capacity: Int = 100, whenFull: ProbeSkipped.Reason = .inFlightCap
    ) -> SlotSchedule {
        SlotSchedule(start: at(100), interval: interval, capacity: capacity, whenFull: whenFull)
    }

    private func at(_ milliseconds: Int64) -> RunTime { RunTime(nanoseconds: milliseconds * 1_000_000) }

    @Test func slotsStartOnTimeWhateverEarlierOnesAreDoing() {
        var schedule = schedule()
        #expect(schedule.nextDue == at(100))
        #expect(schedule.tick(at(99)) == [])
        for slot in 0..<50 {
            let intended = at(100 + 20 * Int64(slot))
            #expect(schedule.nextDue == intended)
            #expect(schedule.tick(intended) == [.start(slot: slot, intended: intended)])
        }
        #expect(schedule.inFlight == 50)
    }

    @Test func aLateWakeStartsTheSlotThatIsStillCurrent() {
        var schedule = schedule()
        #expect(schedule.tick(at(119)) == [.start(slot: 0, intended: at(100))])
    }

    @Test func aLagOfMoreThanAnIntervalSkipsWhatWasMissedAndNeverBursts() {
        var schedule = schedule()
        #expect(
            schedule.tick(at(165)) == [
                .skip(slot: 0, intended: at(100), reason: .lag),
                .skip(slot: 1, intended: at(120), reason: .lag),
                .skip(slot: 2, intended: at(140), reason: .lag),
                .start(slot: 3, intended: at(160)),
            ])
        #expect(schedule.nextDue == at(180))
    }

    /// At 1 ms, the machine's scheduler alone is late by more than an interval now and then.
    @Test func aLagWithinTheToleranceSkipsNothing() {
        var schedule = schedule(interval: .milliseconds(1))
        #expect(schedule.tick(at(109)) == (0..<10).map { .start(slot: $0, intended: at(100 + Int64($0))) })
        #expect(schedule.tick(at(111)) == [.start(slot: 10, intended: at(110)), .start(slot: 11, intended: at(111))])
    }

    @Test func aLongerLagSkipsWhatIsLateByMoreThanTheTolerance() {
        var schedule = schedule(interval: .milliseconds(4))
        #expect(
            schedule.tick(at(113)) == [
                .skip(slot: 0, intended: at(100), reason: .lag), .start(slot: 1, intended: at(104)), .start(slot: 2, intended: at(108)),
                .start(slot: 3, intended: at(112)),
            ])
    }

    @Test func aLaneOfOneProbeStartsTheLatestSlotOnly() {
        var schedule = schedule(interval: .milliseconds(1), capacity: 1, whenFull: .busy)
        #expect(schedule.tick(at(101)) == [.skip(slot: 0, intended: at(100), reason: .lag), .start(slot: 1, intended: at(101))])
    }

    @Test func aSlotWithoutAPlaceIsSkippedAndAPlaceIsGivenBack() {
        var schedule = schedule(capacity: 2)
        _ = schedule.tick(at(100))
        _ = schedule.tick(at(120))
        #expect(schedule.tick(at(140)) == [.skip(slot: 2, intended: at(140), reason: .inFlightCap)])
        schedule.finished()
        #expect(schedule.tick(at(160)) == [.start(slot: 3, intended: at(160))])
        #expect(schedule.inFlight == 2)
    }

    @Test func slotsThatCameDueDuringAnAnswerAreBusy() {
        var schedule = schedule(capacity: 1, whenFull: .busy)
        _ = schedule.tick(at(100))
        #expect(
            schedule.tick(at(141)) == [
                .skip(slot: 1, intended: at(120), reason: .busy), .skip(slot: 2, intended: at(140), reason: .busy),
            ])
        schedule.finished()
        #expect(schedule.nextDue == at(160))
    }

    /// Every slot is accounted for once, in order, by a start or a skip, and none is started before its time or more than an interval late.
    @Test(arguments: 0..<50 as Range<UInt64>) func everySlotIsAccountedForOnce(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var schedule = schedule(capacity: Int.random(in: 1...5, using: &random))
        var now = at(0)
        var expected = 0
        for _ in 0..<500 {
            now = now + .microseconds(Int64.random(in: 0...60_000, using: &random))
            for action in schedule.tick(now) {
                switch action {
                case .start(let slot, let intended):
                    #expect(slot == expected)
                    #expect(intended <= now && now - intended < .milliseconds(20))
                case .skip(let slot, let intended, _):
                    #expect(slot == expected)
                    #expect(intended <= now)
                }
                expected += 1
            }
            #expect(schedule.nextDue > now)
            #expect(schedule.inFlight <= schedule.capacity)
            if schedule.inFlight > 0, Bool.random(using: &random) { schedule.finished() }
        }
        #expect(expected > 100)
    }
}

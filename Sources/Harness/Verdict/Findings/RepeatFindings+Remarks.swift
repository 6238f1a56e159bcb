import Journal

extension RepeatFindings {
    /// The facts that a reader needs before he compares this repeat with another. Nothing is judged by them.
    public var remarks: [String] {
        var remarks: [String] = []
        if let wait = observations.first(where: { $0.at >= (faultBegan ?? started) && $0.observation.kind == .crashLoopBackOff }) {
            let message = wait.observation.detail.map { ", \($0)" } ?? ""
            remarks.append(
                "the kubelet held the restart back (CrashLoopBackOff\(message)): the downtime contains a wait that grows with each restart")
        }
        for interval in blind {
            remarks.append("the cluster could not be watched for \((interval.to - interval.from).textRoundedUp): \(interval.reason)")
        }
        return remarks
    }
}

import Journal

extension JournalWriter {
    /// Records that the repeat has reached a step.
    func enter(_ stage: StageEntered.Stage) throws(JournalError) {
        try append(.stageEntered(StageEntered(stage: stage)))
    }
}

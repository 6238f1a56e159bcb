import Journal

extension JournalWriter {
    /// Writes down that the repeat has come to this step.
    func enter(_ stage: StageEntered.Stage) throws(JournalError) {
        try append(.stageEntered(StageEntered(stage: stage)))
    }
}

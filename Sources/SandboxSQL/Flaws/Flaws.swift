/// The misbehaviour asked for with `--flaw`. None is the default.
struct Flaws: Sendable, Equatable {
    /// Keeps the whole write-ahead log, as a flaw that cuts it needs.
    var keepsLog = false
}

import Testing

@testable import Verdict

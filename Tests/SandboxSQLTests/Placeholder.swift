import Testing

@testable import SandboxSQL

import Testing

@testable import Fault

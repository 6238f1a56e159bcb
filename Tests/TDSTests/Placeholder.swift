import Testing

@testable import TDS

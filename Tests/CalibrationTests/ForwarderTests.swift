import Testing

@testable import Calibration

@Suite struct ForwarderTests {}

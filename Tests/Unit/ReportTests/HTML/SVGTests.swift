import Testing

@testable import Report

@Suite struct SVGTests {
    @Test(arguments: [
        (0, "0.00"), (-0.004, "0.00"), (1.006, "1.01"), (12.5, "12.50"), (-3.07, "-3.07"), (-0.5, "-0.50"), (1600.999, "1601.00"),
        (.nan, "0.00"), (.infinity, "0.00"),
    ])
    func coordinatesHaveTwoDecimals(value: Double, text: String) {
        #expect(SVG.number(value) == text)
    }
}

import Testing

@testable import Report

@Suite struct SVGTests {
    @Test(arguments: [
        (0, "0"), (-0.0004, "0"), (1.0006, "1.001"), (12.5, "12.5"), (-3.07, "-3.07"), (-0.5, "-0.5"), (1600.9999, "1601"),
        (.nan, "0"), (.infinity, "0"),
    ])
    func coordinatesHaveNoMoreThanThreeDecimals(value: Double, text: String) {
        #expect(SVG.number(value) == text)
    }
}

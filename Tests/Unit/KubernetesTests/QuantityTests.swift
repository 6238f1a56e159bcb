import Kubernetes
import Testing

@Suite struct QuantityTests {
    @Test(
        arguments: [
            ("1", 1), ("128974848", 128_974_848), ("129e6", 129_000_000), ("129M", 129_000_000), ("123Mi", 128_974_848),
            ("1.5Gi", 1_610_612_736),
            ("2k", 2000), ("1500m", 2), ("0", 0),
        ] as [(String, Int64)])
    func itsBytes(_ text: String, _ bytes: Int64) {
        #expect(Quantity.bytes(text) == bytes)
    }

    @Test(arguments: ["", "Mi", "-1", "1Q", "1 Gi", "ten", "8Ei"])
    func anotherTextIsNone(_ text: String) {
        #expect(Quantity.bytes(text) == nil)
    }
}

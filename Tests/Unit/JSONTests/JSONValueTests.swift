import Foundation
import Testing

@testable import JSON

@Suite struct JSONValueTests {
    @Test(arguments: [
        "null", "true", "9223372036854775807", "-1", "0.5", "\"a/\\\"b\"", "[1,\"x\",null]", "{\"a\":{\"b\":[true]},\"c\":2}",
    ])
    func aValueComesBackAsItWas(text: String) throws {
        let value = try JSONValue(parsing: Data(text.utf8))
        #expect(String(decoding: try value.data(), as: UTF8.self) == text)
    }

    @Test func membersAreReadSetAndRemoved() {
        var value: JSONValue = ["a": 1]
        value["b"] = "x"
        #expect(value["b"]?.string == "x")
        value["a"] = Optional<JSONValue>.none
        #expect(value == ["b": "x"])
        #expect(value["b"]?["c"] == nil)
    }

    @Test func somethingElseIsNotTakenForText() {
        #expect(JSONValue.integer(1).string == nil)
        #expect(JSONValue.string("1").integer == nil)
        #expect(JSONValue.null.isNull)
    }

    @Test func whatIsNoJSONIsAnError() {
        #expect(throws: (any Error).self) { try JSONValue(parsing: Data("{".utf8)) }
    }
}

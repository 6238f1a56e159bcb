public import Foundation
import FoundationXML

/// A junit.xml as its readers see it, read by Foundation's parser: not by the library that wrote it.
public struct JUnitDocument: Sendable {
    public struct Case: Sendable {
        public var suite: String
        public var className: String
        public var name: String
        public var time: String
        public var results: [Result]
    }

    /// A `failure`, `error` or `skipped`.
    public struct Result: Sendable, Equatable {
        public var element: String
        public var type: String?
        public var message: String?
        public var body: String
    }

    public struct Suite: Sendable {
        public var attributes: [String: String]
        public var properties: [String: String]
        public var cases: [Case]
    }

    public var root: [String: String]
    public var suites: [Suite]

    public init(_ data: Data) throws {
        let document = try XMLDocument(data: data)
        let top = document.rootElement()
        root = top?.attributesByName ?? [:]
        suites = (top?.elements(forName: "testsuite") ?? []).map { suite in
            let properties = suite.elements(forName: "properties").flatMap { $0.elements(forName: "property") }.map(\.attributesByName)
            return Suite(
                attributes: suite.attributesByName,
                properties: Dictionary(uniqueKeysWithValues: properties.map { ($0["name"] ?? "", $0["value"] ?? "") }),
                cases: suite.elements(forName: "testcase").map { Case($0, suite: suite.attributesByName["name"] ?? "") })
        }
    }

    public var cases: [Case] { suites.flatMap(\.cases) }

    /// Neither a failure nor an error, and something that was not skipped.
    public var passes: Bool {
        cases.allSatisfy { $0.results.allSatisfy { $0.element == "skipped" } } && cases.contains { $0.results.isEmpty }
    }

    public func result(_ name: String) -> Result? { cases.first { $0.name == name }?.results.first }
}

extension JUnitDocument.Case {
    fileprivate init(_ element: XMLElement, suite: String) {
        let attributes = element.attributesByName
        self.init(
            suite: suite, className: attributes["classname"] ?? "", name: attributes["name"] ?? "", time: attributes["time"] ?? "",
            results: ["failure", "error", "skipped"].flatMap { element.elements(forName: $0) }.map { result in
                .init(
                    element: result.name ?? "", type: result.attributesByName["type"], message: result.attributesByName["message"],
                    body: result.stringValue ?? "")
            })
    }
}

extension XMLElement {
    fileprivate var attributesByName: [String: String] {
        Dictionary(uniqueKeysWithValues: (attributes ?? []).map { ($0.name ?? "", $0.stringValue ?? "") })
    }
}

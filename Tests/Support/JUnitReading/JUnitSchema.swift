import CXML2
import Checkout
public import Foundation

/// Jenkins' junit-10.xsd, which is not part of this project: `AFTERSHOCK_SHARED` says where it lies.
public enum JUnitSchema {
    public static var path: String {
        let environment = ProcessInfo.processInfo.environment
        let shared = environment["AFTERSHOCK_SHARED"] ?? Checkout.root.appendingPathComponent("../shared").standardized.path
        return shared + "/samples/junit/junit-10.xsd"
    }

    public static var isPresent: Bool { FileManager.default.fileExists(atPath: path) }

    /// Where it is absent the tests that need it are skipped, visibly; a CI that lacks it must not look green.
    public static var mustBePresent: Bool { ProcessInfo.processInfo.environment["CI"] == "true" }

    /// libxml2's verdict on `document`: empty when it is valid.
    public static func problems(of document: Data) -> String {
        guard let parser = xmlSchemaNewParserCtxt(path) else { return "\(path) cannot be read" }
        defer { xmlSchemaFreeParserCtxt(parser) }
        guard let schema = xmlSchemaParse(parser) else { return "\(path) is no schema" }
        defer { xmlSchemaFree(schema) }
        guard let context = xmlSchemaNewValidCtxt(schema) else { return "out of memory" }
        defer { xmlSchemaFreeValidCtxt(context) }
        let parsed = document.withUnsafeBytes { bytes in
            xmlReadMemory(
                bytes.bindMemory(to: CChar.self).baseAddress, Int32(bytes.count), "junit.xml", nil, Int32(XML_PARSE_NONET.rawValue))
        }
        guard let parsed else { return "not well-formed" }
        defer { xmlFreeDoc(parsed) }
        let result = xmlSchemaValidateDoc(context, parsed)
        return result == 0 ? "" : "invalid (\(result)): \(lastError)"
    }

    private static var lastError: String {
        xmlGetLastError().flatMap { error in error.pointee.message.map { String(cString: $0) } } ?? "no message"
    }
}

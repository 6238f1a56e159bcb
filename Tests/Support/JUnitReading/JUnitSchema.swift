import CXML2
import Checkout
public import Foundation

/// The project's own schema of its JUnit reports and, where it is at hand, Jenkins' junit-10.xsd.
public enum JUnitSchema {
    /// Jenkins' schema is not part of this project: `AFTERSHOCK_SHARED` says where it is.
    private static var paths: [String] {
        let environment = ProcessInfo.processInfo.environment
        let shared = environment["AFTERSHOCK_SHARED"] ?? Checkout.root.appendingPathComponent("../shared").standardized.path
        let jenkins = shared + "/samples/junit/junit-10.xsd"
        let own = Checkout.root.appendingPathComponent("Tests/Schemas/junit.xsd").path
        return [own] + (FileManager.default.fileExists(atPath: jenkins) ? [jenkins] : [])
    }

    /// The problems that libxml2 finds in `document`, by each schema; empty when it is valid.
    public static func problems(of document: Data) -> String {
        paths.map { problems(of: document, by: $0) }.filter { !$0.isEmpty }.joined(separator: "; ")
    }

    private static func problems(of document: Data, by path: String) -> String {
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
        return result == 0 ? "" : "invalid by \(path): \(lastError)"
    }

    private static var lastError: String {
        xmlGetLastError().flatMap { error in error.pointee.message.map { String(cString: $0) } } ?? "no message"
    }
}

import CXML2
import Foundation

/// Writes one XML document by libxml2's writer, which escapes and closes what must be.
struct XMLDocument: ~Copyable {
    private let buffer: xmlBufferPtr
    private let writer: xmlTextWriterPtr
    private var failed = false

    /// - Parameter isPart: it is a part of another document: elements without a declaration before them.
    init(isPart: Bool = false) throws {
        guard let buffer = xmlBufferCreate() else { throw XMLError(reason: "out of memory") }
        guard let writer = xmlNewTextWriterMemory(buffer, 0) else {
            xmlBufferFree(buffer)
            throw XMLError(reason: "out of memory")
        }
        self.buffer = buffer
        self.writer = writer
        check(xmlTextWriterSetIndent(writer, 1))
        check(xmlTextWriterSetIndentString(writer, "  "))
        if !isPart { check(xmlTextWriterStartDocument(writer, "1.0", "UTF-8", nil)) }
    }

    deinit {
        xmlFreeTextWriter(writer)
        xmlBufferFree(buffer)
    }

    /// An element with its attributes in order, and what `body` writes into it.
    mutating func element(_ name: String, _ attributes: [(String, String)], body: (inout XMLDocument) -> Void = { _ in }) {
        check(xmlTextWriterStartElement(writer, name))
        for (name, value) in attributes { check(xmlTextWriterWriteAttribute(writer, name, value)) }
        body(&self)
        check(xmlTextWriterEndElement(writer))
    }

    /// The start tag of an element that is not closed yet, for a document whose content is elsewhere.
    static func startTag(_ name: String, _ attributes: [(String, String)]) throws -> Data {
        var document = try XMLDocument()
        document.element(name, attributes) { $0.text("") }
        let closed = String(decoding: try document.data(), as: UTF8.self)
        return Data(closed.replacing("</\(name)>", with: "").utf8)
    }

    mutating func text(_ text: String) {
        check(xmlTextWriterWriteString(writer, text))
    }

    /// The whole document.
    consuming func data() throws -> Data {
        check(xmlTextWriterEndDocument(writer))
        check(xmlTextWriterFlush(writer))
        guard !failed, let content = xmlBufferContent(buffer) else { throw XMLError(reason: "libxml2 could not write the document") }
        return Data(bytes: content, count: Int(xmlBufferLength(buffer)))
    }

    private mutating func check(_ result: Int32) {
        if result < 0 { failed = true }
    }
}

struct XMLError: Error, CustomStringConvertible {
    var reason: String

    var description: String { "junit.xml: \(reason)" }
}

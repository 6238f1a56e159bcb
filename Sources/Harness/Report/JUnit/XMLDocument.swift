import CXML2
import Foundation

/// Writes an XML document with libxml2's writer, which escapes text and closes elements.
struct XMLDocument: ~Copyable {
    private let buffer: xmlBufferPtr
    private let writer: xmlTextWriterPtr
    private var failed = false

    /// - Parameter isPart: whether it is a part of another document, without a declaration.
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

    /// Writes an element with its attributes in order, and the content that `body` writes.
    mutating func element(_ name: String, _ attributes: [(String, String)], body: (inout XMLDocument) -> Void = { _ in }) {
        check(xmlTextWriterStartElement(writer, name))
        for (name, value) in attributes { check(xmlTextWriterWriteAttribute(writer, name, value)) }
        body(&self)
        check(xmlTextWriterEndElement(writer))
    }

    /// Returns the start tag of an element that stays open, for a document whose content is written elsewhere.
    static func startTag(_ name: String, _ attributes: [(String, String)]) throws -> Data {
        var document = try XMLDocument()
        document.element(name, attributes) { $0.text("") }
        let closed = String(decoding: try document.data(), as: UTF8.self)
        return Data(closed.replacing("</\(name)>", with: "").utf8)
    }

    mutating func text(_ text: String) {
        check(xmlTextWriterWriteString(writer, text))
    }

    /// Returns the complete document.
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

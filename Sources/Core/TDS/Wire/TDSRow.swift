public import NIOCore

/// A row as it came, with its columns decoded when they are asked for.
public struct TDSRow: Sendable {
    public let columns: TDSColumns
    /// The bytes behind the token: the null bitmap, if there is one, and the values.
    let bytes: ByteBuffer
    /// The row came as NBCROW, where NULLs are bits of a bitmap and take no bytes (MS-TDS 2.2.7.14).
    let hasNullBitmap: Bool

    /// Decodes the column at `index`, which must exist. The cost grows with the columns before it.
    public subscript(index: Int) -> TDSValue {
        get throws(TDSWireError) {
            precondition(index >= 0 && index < self.columns.count, "a row of \(self.columns.count) columns has no column \(index)")
            var buffer = self.bytes
            let offset = try self.bytes.withTDSBytes { bytes throws(TDSWireError) in
                try Self.end(ofFirst: index, columns: self.columns, bytes: bytes, hasNullBitmap: self.hasNullBitmap)
            }
            if self.isNullInBitmap(index) { return .null }
            guard let offset else { throw .truncated }
            try buffer.skipTDS(offset)
            return try self.columns[index].typeInfo.decodeValue(&buffer)
        }
    }

    /// Decodes all columns in one pass.
    public func values() throws(TDSWireError) -> [TDSValue] {
        var values: [TDSValue] = []
        values.reserveCapacity(self.columns.count)
        var buffer = self.bytes
        if self.hasNullBitmap { try buffer.skipTDS(Self.bitmapLength(self.columns.count)) }
        for index in 0..<self.columns.count {
            if self.isNullInBitmap(index) {
                values.append(.null)
            } else {
                values.append(try self.columns[index].typeInfo.decodeValue(&buffer))
            }
        }
        return values
    }

    private func isNullInBitmap(_ index: Int) -> Bool {
        guard self.hasNullBitmap else { return false }
        let byte = self.bytes.getInteger(at: self.bytes.readerIndex + index / 8, as: UInt8.self) ?? 0
        return byte & (1 << (index % 8)) != 0
    }

    static func bitmapLength(_ columns: Int) -> Int { (columns + 7) / 8 }

    /// The offset behind the first `count` columns of a row that begins at 0, or nil when the bytes end before.
    static func end(
        ofFirst count: Int, columns: TDSColumns, bytes: UnsafeRawBufferPointer, hasNullBitmap: Bool
    ) throws(TDSWireError) -> Int? {
        var offset = 0
        if hasNullBitmap {
            offset = Self.bitmapLength(columns.count)
            guard offset <= bytes.count else { return nil }
        }
        for index in 0..<count {
            if hasNullBitmap, bytes[index / 8] & (1 << (index % 8)) != 0 { continue }
            guard let end = try columns.layouts[index].end(in: bytes, from: offset) else { return nil }
            offset = end
        }
        return offset
    }
}

/// Where looking for the end of a row that comes in pieces goes on. Offsets count from behind the row's token.
struct TDSRowScan: Sendable {
    private var column = 0
    private var offset = 0
    /// Inside a chunked value.
    private var chunks: TDSValueLayout.ChunkScan?

    /// Tells that there is something to go on from.
    var hasBegun: Bool { self.column > 0 || self.offset > 0 }

    /// The offset behind the row whose bytes begin with `bytes`, or nil when it has not come whole: then more of `bytes` is to be
    /// given to the same scan.
    mutating func end(of columns: TDSColumns, in bytes: UnsafeRawBufferPointer, hasNullBitmap: Bool) throws(TDSWireError) -> Int? {
        if self.offset == 0, hasNullBitmap {
            let length = TDSRow.bitmapLength(columns.count)
            guard length <= bytes.count else { return nil }
            self.offset = length
        }
        while self.column < columns.count {
            if !(hasNullBitmap && bytes[self.column / 8] & (1 << (self.column % 8)) != 0) {
                let layout = columns.layouts[self.column]
                let end: Int?
                if layout == .chunked {
                    var chunks = self.chunks ?? TDSValueLayout.ChunkScan(start: self.offset)
                    end = try chunks.end(in: bytes)
                    self.chunks = end == nil ? chunks : nil
                } else {
                    end = try layout.end(in: bytes, from: self.offset)
                }
                guard let end else { return nil }
                self.offset = end
            }
            self.column += 1
        }
        return self.offset
    }
}

extension ByteBuffer {
    /// `withUnsafeReadableBytes` with the error's type kept.
    func withTDSBytes<T>(_ body: (UnsafeRawBufferPointer) throws(TDSWireError) -> T) throws(TDSWireError) -> T {
        let result: Result<T, TDSWireError> = self.withUnsafeReadableBytes { bytes in
            do throws(TDSWireError) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}

extension TDSRow {
    /// Appends a ROW token.
    public static func encode(_ values: [TDSValue], columns: TDSColumns, into buffer: inout ByteBuffer) throws(TDSWireError) {
        try Self.check(values, columns)
        buffer.writeTDS(TDSTokenType.row.rawValue)
        for (value, column) in zip(values, columns) { try column.typeInfo.encodeValue(value, into: &buffer) }
    }

    /// Appends an NBCROW token, which is shorter when many values are NULL.
    public static func encodeWithNullBitmap(
        _ values: [TDSValue], columns: TDSColumns, into buffer: inout ByteBuffer
    ) throws(TDSWireError) {
        try Self.check(values, columns)
        buffer.writeTDS(TDSTokenType.nullBitmapRow.rawValue)
        var bitmap = [UInt8](repeating: 0, count: Self.bitmapLength(columns.count))
        for (index, value) in values.enumerated() where value.isNull { bitmap[index / 8] |= 1 << (index % 8) }
        buffer.writeBytes(bitmap)
        for (value, column) in zip(values, columns) where !value.isNull {
            try column.typeInfo.encodeValue(value, into: &buffer)
        }
    }

    private static func check(_ values: [TDSValue], _ columns: TDSColumns) throws(TDSWireError) {
        guard values.count == columns.count else {
            throw .unencodable("a row of \(values.count) values for \(columns.count) columns")
        }
    }
}

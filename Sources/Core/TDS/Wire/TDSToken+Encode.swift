public import NIOCore

extension TDSToken {
    /// Appends the token, as a server sends it.
    public func encode(into buffer: inout ByteBuffer) throws(TDSWireError) {
        switch self {
        case .columnMetadata(let columns):
            buffer.writeTDS(TDSTokenType.columnMetadata.rawValue)
            try columns.encode(into: &buffer)
        case .row(let row):
            buffer.writeTDS((row.hasNullBitmap ? TDSTokenType.nullBitmapRow : .row).rawValue)
            buffer.writeImmutableBuffer(row.bytes)
        case .done(let done):
            done.encode(into: &buffer)
        case .error(let message):
            try message.encode(.error, into: &buffer)
        case .info(let message):
            try message.encode(.info, into: &buffer)
        case .environmentChange(let change):
            buffer.writeTDS(TDSTokenType.environmentChange.rawValue)
            try buffer.writeCounted(as: UInt16.self) { buffer throws(TDSWireError) in try change.encode(into: &buffer) }
        case .loginAck(let acknowledgement):
            try acknowledgement.encode(into: &buffer)
        case .featureExtAck(let features):
            buffer.writeTDS(TDSTokenType.featureExtAck.rawValue)
            for feature in features {
                buffer.writeTDS(feature.id)
                buffer.writeTDS(UInt32(feature.data.count))
                buffer.writeBytes(feature.data)
            }
            buffer.writeTDS(TDSFeature.terminator)
        case .order(let places):
            buffer.writeTDS(TDSTokenType.order.rawValue)
            try buffer.writeCounted(as: UInt16.self) { buffer throws(TDSWireError) in
                for place in places { buffer.writeTDS(place) }
            }
        case .returnStatus(let status):
            buffer.writeTDS(TDSTokenType.returnStatus.rawValue)
            buffer.writeTDS(status)
        case .returnValue(let value):
            try value.encode(into: &buffer)
        case .sessionState(let state):
            buffer.writeTDS(TDSTokenType.sessionState.rawValue)
            try buffer.writeCounted(as: UInt32.self) { buffer throws(TDSWireError) in
                buffer.writeTDS(state.sequence)
                buffer.writeTDS(state.status)
                buffer.writeBytes(state.states)
            }
        case .sspi(let data): try Self.encode(.sspi, data, countedAs: UInt16.self, into: &buffer)
        case .federatedAuthenticationInfo(let data):
            try Self.encode(.federatedAuthenticationInfo, data, countedAs: UInt32.self, into: &buffer)
        case .tableName(let data): try Self.encode(.tableName, data, countedAs: UInt16.self, into: &buffer)
        case .columnInfo(let data): try Self.encode(.columnInfo, data, countedAs: UInt16.self, into: &buffer)
        }
    }

    private static func encode<T: FixedWidthInteger>(
        _ type: TDSTokenType, _ data: ByteBuffer, countedAs count: T.Type, into buffer: inout ByteBuffer
    ) throws(TDSWireError) {
        buffer.writeTDS(type.rawValue)
        try buffer.writeCounted(as: count) { buffer throws(TDSWireError) in buffer.writeImmutableBuffer(data) }
    }
}

extension TDSDone {
    fileprivate func encode(into buffer: inout ByteBuffer) {
        let type: TDSTokenType =
            switch self.kind {
            case .done: .done
            case .procedure: .doneProcedure
            case .inProcedure: .doneInProcedure
            }
        buffer.writeTDS(type.rawValue)
        buffer.writeTDS(self.status.rawValue)
        buffer.writeTDS(self.currentCommand)
        buffer.writeTDS(self.rowCount)
    }
}

extension TDSServerMessage {
    fileprivate func encode(_ type: TDSTokenType, into buffer: inout ByteBuffer) throws(TDSWireError) {
        buffer.writeTDS(type.rawValue)
        try buffer.writeCounted(as: UInt16.self) { buffer throws(TDSWireError) in
            buffer.writeTDS(self.number)
            buffer.writeTDS(self.state)
            buffer.writeTDS(self.class)
            try buffer.writeShortCountedString(self.text)
            try buffer.writeByteCountedString(self.server)
            try buffer.writeByteCountedString(self.procedure)
            buffer.writeTDS(self.line)
        }
    }
}

extension TDSLoginAck {
    fileprivate func encode(into buffer: inout ByteBuffer) throws(TDSWireError) {
        buffer.writeTDS(TDSTokenType.loginAck.rawValue)
        try buffer.writeCounted(as: UInt16.self) { buffer throws(TDSWireError) in
            buffer.writeTDS(self.interface)
            buffer.writeTDS(self.tdsVersion, endianness: .big)
            try buffer.writeByteCountedString(self.programName)
            buffer.writeTDS(self.major)
            buffer.writeTDS(self.minor)
            buffer.writeTDS(self.build, endianness: .big)
        }
    }
}

extension TDSReturnValue {
    fileprivate func encode(into buffer: inout ByteBuffer) throws(TDSWireError) {
        buffer.writeTDS(TDSTokenType.returnValue.rawValue)
        buffer.writeTDS(self.ordinal)
        try buffer.writeByteCountedString(self.name)
        buffer.writeTDS(self.status)
        buffer.writeTDS(self.userType)
        buffer.writeTDS(self.flags)
        try self.typeInfo.encode(into: &buffer)
        try self.typeInfo.encodeValue(self.value, into: &buffer)
    }
}

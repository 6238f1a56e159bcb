import Foundation

/// Describes `error` without the names that Foundation has for it.
public func words(for error: any Error) -> String {
    let known = error as NSError
    guard known.domain == NSCocoaErrorDomain || known.domain == NSPOSIXErrorDomain else { return "\(error)" }
    let place = (known.userInfo[NSFilePathErrorKey] as? String ?? (known.userInfo[NSURLErrorKey] as? URL)?.path).map { "\($0): " } ?? ""
    let cause = (known.userInfo[NSUnderlyingErrorKey] as? any Error).map { $0 as NSError } ?? known
    guard cause.domain == NSPOSIXErrorDomain else {
        let reason: String? =
            switch (error as? CocoaError)?.code {
            case .fileNoSuchFile?, .fileReadNoSuchFile?: String(cString: strerror(ENOENT))
            case .fileReadNoPermission?, .fileWriteNoPermission?: String(cString: strerror(EACCES))
            case .fileWriteFileExists?: String(cString: strerror(EEXIST))
            case .fileWriteOutOfSpace?: String(cString: strerror(ENOSPC))
            case .fileWriteVolumeReadOnly?: String(cString: strerror(EROFS))
            case .fileReadTooLarge?: "it is too large"
            case .fileReadInapplicableStringEncoding?, .fileReadCorruptFile?: "it is not UTF-8 text"
            default: nil
            }
        return place + (reason ?? "it cannot be read or written")
    }
    return place + String(cString: strerror(Int32(cause.code)))
}

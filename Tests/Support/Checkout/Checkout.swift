public import Foundation

/// The checkout that these tests were built from.
public enum Checkout {
    /// The folder that holds `Package.swift`.
    public static let root = find(above: URL(fileURLWithPath: #filePath))

    private static func find(above file: URL) -> URL {
        var folder = file.deletingLastPathComponent()
        while folder.path != "/", !FileManager.default.fileExists(atPath: folder.appendingPathComponent("Package.swift").path) {
            folder.deleteLastPathComponent()
        }
        return folder
    }
}

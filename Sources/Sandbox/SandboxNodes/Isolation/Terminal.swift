import Dispatch
import Foundation
import SandboxStore
import Synchronization

/// A pseudo-terminal (pty(7)): our side of it.
final class Terminal: Sendable {
    let programSide: Int32
    private let ourSide: Int32
    private let isProgramSideOpen = Atomic(true)
    /// A terminal's end cannot be polled for, so reads block a thread.
    private let queue = DispatchQueue(label: "aftershock.sandbox.terminal")

    // <asm-generic/ioctls.h>: macros that Swift does not import.
    private static let setLock: UInt = 0x4004_5431
    private static let getNumber: UInt = 0x8004_5430

    private init(ourSide: Int32, programSide: Int32) {
        self.ourSide = ourSide
        self.programSide = programSide
    }

    static func open() -> Terminal? {
        let ours = Glibc.open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard ours >= 0 else { return nil }
        var unlocked: Int32 = 0
        var number: UInt32 = 0
        guard ioctl(ours, setLock, &unlocked) == 0, ioctl(ours, getNumber, &number) == 0 else {
            close(ours)
            return nil
        }
        let theirs = Glibc.open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard theirs >= 0 else {
            close(ours)
            return nil
        }
        return Terminal(ourSide: ours, programSide: theirs)
    }

    deinit {
        closeProgramSide()
        close(ourSide)
    }

    /// Our copy of it: to be closed once the program has its own.
    func closeProgramSide() {
        if isProgramSideOpen.exchange(false, ordering: .relaxed) { close(programSide) }
    }

    func resize(columns: Int, rows: Int) {
        var size = winsize()
        size.ws_col = UInt16(clamping: columns)
        size.ws_row = UInt16(clamping: rows)
        _ = ioctl(ourSide, UInt(TIOCSWINSZ), &size)
    }

    func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(ourSide, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Returns the program's next output; `nil` once nobody has its side open any more.
    func read() async -> [UInt8]? {
        await withCheckedContinuation { continuation in
            queue.async {
                var buffer = [UInt8](repeating: 0, count: 4096)
                let count = Glibc.read(self.ourSide, &buffer, buffer.count)
                continuation.resume(returning: count > 0 ? Array(buffer[..<count]) : nil)
            }
        }
    }
}

import NIOCore

/// The body of an answer, piece by piece. While nobody reads, the transfer is paused, so that memory is bounded whatever the server sends.
struct CurlBody: AsyncSequence, Sendable {
    typealias Element = BodyChunk

    /// Counted in pieces of at most 16 KiB, libcurl's buffer.
    typealias BackPressure = NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark
    typealias Producer = NIOThrowingAsyncSequenceProducer<BodyChunk, any Error, BackPressure, Delegate>

    let base: Producer

    static func make(id: Int, mailbox: CurlMailbox) -> (source: Producer.Source, body: CurlBody) {
        let producer = Producer.makeSequence(
            backPressureStrategy: BackPressure(lowWatermark: 4, highWatermark: 32), finishOnDeinit: false,
            delegate: Delegate(id: id, mailbox: mailbox))
        return (producer.source, CurlBody(base: producer.sequence))
    }

    struct Delegate: NIOAsyncSequenceProducerDelegate {
        let id: Int
        let mailbox: CurlMailbox

        func produceMore() { mailbox.post(.resume(id)) }
        func didTerminate() { mailbox.post(.cancel(id)) }
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        let base: Producer.AsyncIterator

        /// - Throws: ``CurlFailure``.
        mutating func next() async throws(CurlFailure) -> BodyChunk? {
            // NIO's `next` runs outside the caller's isolation; the iterator is one task's all the same, and a reference underneath.
            nonisolated(unsafe) let iterator = base
            do {
                guard let chunk = try await iterator.next() else {
                    // The producer ends a cancelled reader quietly; a truncated body must not look like a complete one.
                    if Task.isCancelled { throw CurlFailure.cancelled }
                    return nil
                }
                return chunk
            } catch let failure as CurlFailure {
                throw failure
            } catch {
                throw .cancelled
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator()) }
}

import NIOCore

/// The rows of a response as they arrive. When they are not consumed, the server is not read from either, so that any number
/// of rows passes in constant memory.
///
/// It ends without an error only when the server's final DONE has come. Leaving the loop early cancels the request. Rows of
/// later result sets follow those of the first; each row knows its columns.
public struct TDSRowSequence: AsyncSequence, Sendable {
    public typealias Element = TDSRow
    public typealias Failure = TDSError

    typealias Producer = NIOThrowingAsyncSequenceProducer<
        [TDSRow], any Error, NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark, TDSRowStreamDelegate
    >

    /// The columns of the first result set; none when the request gave no rows.
    public let columns: TDSColumns
    private let producer: Producer

    init(columns: TDSColumns, producer: Producer) {
        self.columns = columns
        self.producer = producer
    }

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(base: self.producer.makeAsyncIterator())
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        /// Unchecked, because NIO does not declare what holds: its iterator is a reference to a Sendable class, and nothing else.
        private struct Base: @unchecked Sendable {
            let iterator: Producer.AsyncIterator
        }

        private let base: Base
        /// Rows come in the batches they were read in: asking the producer means changing executors, which costs more than a row.
        private var batch: IndexingIterator<[TDSRow]> = [].makeIterator()

        init(base: Producer.AsyncIterator) { self.base = Base(iterator: base) }

        public mutating func next(isolation actor: isolated (any Actor)? = #isolation) async throws(TDSError) -> TDSRow? {
            while true {
                if let row = self.batch.next() { return row }
                do {
                    guard let batch = try await self.base.iterator.next() else { return nil }
                    self.batch = batch.makeIterator()
                } catch let error as TDSError {
                    throw error
                } catch {
                    throw TDSError(.cancelled, phase: .query, detail: "the task reading the rows was cancelled")
                }
            }
        }
    }
}

/// Carries the reader's wishes to the connection's event loop.
struct TDSRowStreamDelegate: NIOAsyncSequenceProducerDelegate {
    let eventLoop: any EventLoop
    let handler: NIOLoopBound<TDSChannelHandler>
    let requestID: UInt64

    func produceMore() {
        self.eventLoop.execute { self.handler.value.resumeReading(requestID: self.requestID) }
    }

    func didTerminate() {
        self.eventLoop.execute { self.handler.value.cancel(requestID: self.requestID) }
    }
}

// SPDX-License-Identifier: Apache-2.0

// The bodies of BatchInputs.swift for workers that have a state. They pass it on themselves: a closure around the body would
// cost each item a call.

extension BatchBodies {
    /// The body for inputs and results in their best formats.
    @_alwaysEmitIntoClient
    static func best<State: ~Copyable, I: Codable, R: Codable>(
        _ box: StateBox<State>, _ body: @escaping (inout State, I) throws -> R
    ) -> BatchBody {
        if _isPOD(I.self) { return bestResults(box, body) }
        return _isPOD(R.self) ? codedInputs(box, body) : coded(box, body)
    }

    /// The same for inputs that are bit patterns.
    @_alwaysEmitIntoClient
    static func bestResults<State: ~Copyable, I, R: Codable>(
        _ box: StateBox<State>, _ body: @escaping (inout State, I) throws -> R
    ) -> BatchBody {
        _isPOD(R.self) ? plain(box, body) : codedResults(box, body)
    }

    /// The same for results that are bit patterns.
    @_alwaysEmitIntoClient
    static func bestInputs<State: ~Copyable, I: Codable, R>(
        _ box: StateBox<State>, _ body: @escaping (inout State, I) throws -> R
    ) -> BatchBody {
        _isPOD(I.self) ? plain(box, body) : codedInputs(box, body)
    }

    @_alwaysEmitIntoClient
    static func plain<State: ~Copyable, I, R>(
        _ box: StateBox<State>, _ body: @escaping (inout State, I) throws -> R
    ) -> BatchBody {
        { range, writer, inputs in
            // A loop of its own, as in `storeResults`.
            var claim = range
            while true {
                for item in claim {
                    guard writer.begin(item) else { return false }
                    do {
                        let input = inputs.load(item, as: I.self)
                        writer.store(unsafe try body(&box.place.pointee, input), at: item)
                    } catch {
                        guard writer.threw(error, at: item) else { return false }
                    }
                }
                guard let more = writer.claimMore() else { return true }
                claim = more
            }
        }
    }

    @_alwaysEmitIntoClient
    static func codedResults<State: ~Copyable, I, R: Encodable>(
        _ box: StateBox<State>, _ body: @escaping (inout State, I) throws -> R
    ) -> BatchBody {
        { range, writer, inputs in
            writer.run(range) { item in
                let input = inputs.load(item, as: I.self)
                return writer.encode(unsafe try body(&box.place.pointee, input), at: item)
            }
        }
    }

    @_alwaysEmitIntoClient
    static func codedInputs<State: ~Copyable, I: Decodable, R>(
        _ box: StateBox<State>, _ body: @escaping (inout State, I) throws -> R
    ) -> BatchBody {
        coded(I.self) { input, item, writer in
            writer.store(unsafe try body(&box.place.pointee, input), at: item)
            return true
        }
    }

    @_alwaysEmitIntoClient
    static func coded<State: ~Copyable, I: Decodable, R: Encodable>(
        _ box: StateBox<State>, _ body: @escaping (inout State, I) throws -> R
    ) -> BatchBody {
        coded(I.self) { input, item, writer in
            writer.encode(unsafe try body(&box.place.pointee, input), at: item)
        }
    }
}

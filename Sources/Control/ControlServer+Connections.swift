import Linux

extension ControlServer {
    func accept(at now: Int64) {
        for _ in 0..<Self.acceptsPerTurn {
            do {
                guard let socket = try listener.accept() else { return }
                try admit(socket)
            } catch {
                // Out of descriptors or memory. The client stays in the backlog; asking again at
                // once would only keep the loop awake.
                acceptAgainAt = now + Self.acceptPause
                return
            }
        }
    }
    private func admit(_ socket: consuming UnixSocket) throws(SystemError) {
        let peer = try socket.peer()
        let most = mayAct(peer) ? Self.mostConnections : Self.mostConnections - Self.keptForActors
        let free = connections.firstIndex { $0 == nil }
        guard let index = free, connections.count(where: { $0 != nil }) < most else {
            // One attempt: a fresh socket has room for so little.
            (Wire.failure(.tooManyClients) + [0]).withUnsafeBytes { _ = socket.send($0) }
            return
        }
        lastGeneration &+= 1
        let source = ControlSource(slot: Int32(index + 1), generation: lastGeneration)
        connections[index] = Connection(source: source, socket: socket, peer: peer)
    }

    func connection(_ source: ControlSource) -> Connection? {
        guard connections.indices.contains(Int(source.slot) - 1),
            let connection = connections[Int(source.slot) - 1],
            connection.source == source, !connection.isClosed
        else { return nil }
        return connection
    }
}

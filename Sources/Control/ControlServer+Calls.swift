import JSON
import Linux

extension ControlServer {
    /// The next call of this connection that the daemon has to perform.
    func nextCall(of connection: Connection, _ now: Int64) -> Call? {
        while connection.callsInTurn < Self.callsPerTurn, let message = connection.nextMessage() {
            connection.callsInTurn += 1
            defer { connection.settle() }
            switch message {
            case .whole(let bytes):
                if let call = perform(bytes, of: connection, now) { return call }
            case .tooLong: dismiss(connection, .invalidParameter(parameter: "message"), now)
            }
        }
        return nil
    }

    /// Answers the call in here, or gives it to the daemon.
    private func perform(_ message: [UInt8], of connection: Connection, _ now: Int64) -> Call? {
        let call: IncomingCall
        do { call = try IncomingCall(message) } catch {
            dismiss(connection, error, now)
            return nil
        }
        do {
            if let request = try request(of: call, from: connection.peer) {
                lastCall += 1
                let id = Call.ID(source: connection.source, number: lastCall)
                if !call.isOneway { connection.begin(call: lastCall, wantsMore: call.wantsMore) }
                return Call(
                    id: id, request: request, peer: connection.peer,
                    mayAct: mayAct(connection.peer), wantsMore: call.wantsMore)
            }
            let answer = try answer(to: call)
            if !call.isOneway { connection.send(Wire.reply(answer), at: now) }
        } catch {
            if !call.isOneway { connection.send(Wire.failure(error), at: now) }
        }
        return nil
    }

    /// Sends the error and ends the connection: what follows cannot be understood.
    private func dismiss(_ connection: Connection, _ error: ControlError, _ now: Int64) {
        connection.send(Wire.failure(error), at: now)
        connection.leave()
    }

    /// What the daemon has to do; `nil` when the server answers the call itself.
    private func request(
        of call: IncomingCall, from peer: PeerCredentials
    ) throws(ControlError) -> ControlRequest? {
        guard call.interface == ControlInterface.name else { return nil }
        guard let method = ControlMethod(rawValue: call.member) else {
            throw .methodNotFound(method: call.member)
        }
        guard method.access == .read || mayAct(peer) else { throw .permissionDenied }
        let parameters = try Parameters(call.parameters, known: method.parameters)
        return try ControlRequest(method, parameters)
    }

    /// The answer to what every Varlink service can be asked, and to `Version`.
    private func answer(
        to call: IncomingCall
    ) throws(ControlError) -> (inout JSONWriter) -> Void {
        switch (call.interface, call.member) {
        case (ControlInterface.name, _):
            let version = version
            return { $0.object { $0.string("version", version) } }
        case (ControlInterface.service, "GetInfo"):
            _ = try Parameters(call.parameters, known: [])
            return writeInfo
        case (ControlInterface.service, "GetInterfaceDescription"):
            let name = try Parameters(call.parameters, known: ["interface"]).string("interface")
            guard let description = ControlInterface.description(of: name) else {
                throw .interfaceNotFound(interface: name)
            }
            return { $0.object { $0.string("description", description) } }
        case (ControlInterface.service, let member): throw .methodNotFound(method: member)
        case (let interface, _): throw .interfaceNotFound(interface: interface)
        }
    }

    private func writeInfo(into json: inout JSONWriter) {
        json.object {
            $0.string("vendor", "Regen")
            $0.string("product", "regend")
            $0.string("version", version)
            $0.string("url", "")
            $0.names("interfaces", [ControlInterface.service, ControlInterface.name])
        }
    }

    /// Whether this client may call the methods marked "act".
    func mayAct(_ peer: PeerCredentials) -> Bool { actors.contains(peer.uid) }

    /// The connection on which this call waits for its answer.
    func waiting(_ call: Call.ID) -> Connection? {
        guard let connection = connection(call.source), connection.outstanding == call.number
        else { return nil }
        return connection
    }
}

import Testing

@testable import WSLoop

@Suite struct TLSContextTests {
    let authority: Authority

    init() throws { authority = try Authority() }

    private func failure(_ options: TLSClientOptions) -> TLSFailure? {
        do throws(TLSFailure) {
            _ = try TLSContext(client: options)
            return nil
        } catch {
            return error
        }
    }

    @Test func whatWorks() throws {
        let identity = try authority.issue("DNS:client")
        #expect(failure(TLSClientOptions()) == nil)
        #expect(failure(TLSClientOptions(caFile: authority.caFile)) == nil)
        #expect(
            failure(TLSClientOptions(certificateFile: identity.certificateFile, keyFile: identity.keyFile)) == nil)
    }

    @Test func authoritiesThatCannotBeRead() throws {
        let missing = "/nonexistent/ca.pem"
        #expect(
            failure(TLSClientOptions(caFile: missing))
                == .unreadableAuthorities(file: missing, reason: "no such file or directory"))
        for (text, reason) in [("", "it is empty"), ("no certificate\n", "it is not a PEM file")] {
            let broken = try authority.file(containing: text)
            #expect(
                failure(TLSClientOptions(caFile: broken)) == .unreadableAuthorities(file: broken, reason: reason))
        }
    }

    @Test func certificatesThatCannotBeRead() throws {
        let identity = try authority.issue("DNS:client")
        let missing = "/nonexistent/client.pem"
        #expect(
            failure(TLSClientOptions(certificateFile: missing, keyFile: identity.keyFile))
                == .unreadableCertificate(file: missing, reason: "no such file or directory"))
        let broken = try authority.file(containing: "no certificate\n")
        #expect(
            failure(TLSClientOptions(certificateFile: broken, keyFile: identity.keyFile))
                == .unreadableCertificate(file: broken, reason: "it is not a PEM file"))
    }

    @Test func keysThatCannotBeRead() throws {
        let identity = try authority.issue("DNS:client")
        let missing = "/nonexistent/client.key"
        #expect(
            failure(TLSClientOptions(certificateFile: identity.certificateFile, keyFile: missing))
                == .unreadableKey(file: missing, reason: "no such file or directory"))
        // Without a key file, the certificate's file must contain the key.
        #expect(
            failure(TLSClientOptions(certificateFile: identity.certificateFile))
                == .unreadableKey(
                    file: identity.certificateFile,
                    reason: "it holds a certificate; are certificate and key swapped?"))
        #expect(
            failure(TLSClientOptions(keyFile: identity.keyFile)) == .keyWithoutCertificate(keyFile: identity.keyFile))
    }

    /// No one is asked for the passphrase.
    @Test func aKeyThatWantsAPassphrase() throws {
        let identity = try authority.issue("DNS:client", passphrase: "secret")
        #expect(
            failure(TLSClientOptions(certificateFile: identity.certificateFile, keyFile: identity.keyFile))
                == .unreadableKey(file: identity.keyFile, reason: "it wants a passphrase"))
    }

    @Test func aKeyOfAnotherCertificate() throws {
        let identity = try authority.issue("DNS:client")
        let other = try authority.issue("DNS:client")
        let failure = failure(TLSClientOptions(certificateFile: identity.certificateFile, keyFile: other.keyFile))
        #expect(failure == .keyDoesNotMatch(keyFile: other.keyFile, certificateFile: identity.certificateFile))
        #expect(
            failure?.description
                == "the private key in \(other.keyFile) does not belong to the certificate in \(identity.certificateFile)"
        )
    }

    @Test func theServersFiles() throws {
        let identity = try authority.issue("DNS:localhost")
        let missing = "/nonexistent/ca.pem"
        #expect(throws: TLSFailure.unreadableAuthorities(file: missing, reason: "no such file or directory")) {
            try TLSContext(
                server: TLSServerOptions(
                    certificateFile: identity.certificateFile, keyFile: identity.keyFile, clientCAFile: missing))
        }
        #expect(throws: TLSFailure.unreadableKey(file: missing, reason: "no such file or directory")) {
            try TLSContext(server: TLSServerOptions(certificateFile: identity.certificateFile, keyFile: missing))
        }
    }
}

import Testing

@testable import pushd

@Suite struct VariableNamesTests {
    @Test(arguments: SampleOption.all) func theVariableOfEachOptionIsKnown(option: SampleOption) {
        #expect(VariableNames.known.contains(option.variable))
        #expect(VariableNames.warnings([option.variable: "x"]).isEmpty)
    }

    @Test(arguments: [
        ("PUSHD_PUBLISH_KEYS", "PUSHD_PUBLISH_KEY"), ("PUSHD_LISTN", "PUSHD_LISTEN"), ("PUSHD_WORKER", "PUSHD_WORKERS"),
        ("PUSHD_MAX_CONNECTION", "PUSHD_MAX_CONNECTIONS"), ("PUSHD_TLS_CLIENT_CERT", "PUSHD_TLS_CLIENT_CA"),
        ("PUSHD_publish_key", "PUSHD_PUBLISH_KEY"), ("PUSHD_PORT", nil), ("PUSHD_", nil), ("PUSHD_SOMETHING_ELSE", nil),
    ])
    func anUnknownNameIsWarnedAboutWithTheNearest(name: String, nearest: String?) throws {
        let warnings = VariableNames.warnings([name: "secret", "PATH": "/", "XPUSHD_A": "", "PUSHDOWN": ""])
        let warning = try #require(warnings.first)
        #expect(warnings.count == 1 && warning.contains(name) && !warning.contains("secret"))
        #expect(warning.contains("did you mean") == (nearest != nil))
        if let nearest { #expect(warning.hasSuffix("\(nearest)?")) }
    }

    @Test func whatKubernetesSetsIsNotWarnedAbout() {
        let variables = [
            "PUSHD_SERVICE_HOST": "10.0.0.1", "PUSHD_SERVICE_PORT": "8081", "PUSHD_SERVICE_PORT_HTTP": "8081",
            "PUSHD_PORT": "tcp://10.0.0.1:8081", "PUSHD_PORT_8081_TCP": "tcp://10.0.0.1:8081",
            "PUSHD_PORT_8081_TCP_ADDR": "10.0.0.1", "PUSHD_ADMIN_SERVICE_HOST": "10.0.0.2",
        ]
        #expect(VariableNames.warnings(variables).isEmpty)
        #expect(VariableNames.warnings(["PUSHD_PORT": "8081"]).count == 1)
    }
}

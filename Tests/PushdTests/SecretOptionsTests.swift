import Protocols
import PushServer
import Testing

@testable import pushd

/// Keys and passwords, which are not shown.
@Suite struct SecretOptionsTests {
    @Test(arguments: SampleOption.secrets) func anEmptySecretIsNoOpenDoor(name: String) throws {
        let option = try #require(SampleOption.all.first { $0.name == name })
        for value in ["", ","] {
            for variable in [option.variable, option.variable + "_FILE"] {
                let problem = try refusal(of: [], [variable: value])
                #expect(problem.hasPrefix("\(variable): '\(value)'") && problem.contains("the key is empty"))
            }
        }
        #expect(option.read(try Settings(parsing: [name, "a"], [option.variable: ""])) == "a")
    }

    @Test(arguments: SampleOption.secrets) func keysFromFiles(name: String) throws {
        let option = try #require(SampleOption.all.first { $0.name == name })
        let (first, second) = (try TextFile("one\r\ntwo\n\n"), try TextFile("three"))
        let files = [name + "-file", first.path, name + "-file", second.path]
        #expect(option.read(try Settings(parsing: files)) == "one,two,three")
        #expect(option.read(try Settings(parsing: files + [name, "given"])) == "given,one,two,three")
        let variable = [option.variable + "_FILE": "\(first.path),\(second.path)"]
        #expect(option.read(try Settings(parsing: [], variable)) == "one,two,three")
    }

    @Test(arguments: ["", "\n\r\n", "key\nse cret\n", "\u{7F}"], SampleOption.secrets)
    func aBadKeyFileIsNamedAndItsKeysAreNotShown(text: String, name: String) throws {
        let file = try TextFile(text)
        let problem = try refusal(of: [name + "-file", file.path])
        #expect(problem.hasPrefix("\(name)-file: '\(file.path)' is not usable: "))
        #expect(!problem.contains("cret"))
        #expect(text.count < 4 || problem.contains("line 2"))
        #expect(try refusal(of: [name + "-file", file.path + ".missing"]).contains("No such file"))
    }

    @Test func secretsAmongTheArgumentsAreWarnedAbout() throws {
        let file = try TextFile("key")
        let arguments = ["--publish-key", "k", "--publish-key", "l", "--api-key", "m", "--redis", "redis://u:secret@h"]
        let warnings = try Settings(parsing: arguments).exposedSecrets
        #expect(warnings.count == 3 && !warnings.joined().contains("secret@"))
        for option in ["--publish-key-file", "--api-key-file", "--redis-password-file"] {
            #expect(warnings.contains { $0.contains(option) })
        }
        let hidden = ["--publish-key-file", file.path, "--api-key-file", file.path, "--redis", "redis://h"]
        #expect(try Settings(parsing: hidden).exposedSecrets.isEmpty)
        let variables = ["PUSHD_PUBLISH_KEY": "k", "PUSHD_API_KEY": "m", "PUSHD_REDIS": "redis://u:secret@h"]
        #expect(try Settings(parsing: [], variables).exposedSecrets.isEmpty)
    }

    @Test func theHooksSecretIsOneLongLine() throws {
        for (text, isUsable) in [
            ("0123456789abcdef\n", true), ("short\n", false), ("0123456789abcdef\nfedcba9876543210", false),
        ] {
            let file = try TextFile(text)
            let arguments = ["--hook-secret-file", file.path]
            if isUsable {
                #expect(try Settings(parsing: arguments).server.hooks.secret == Array("0123456789abcdef".utf8))
            } else {
                #expect(try refusal(of: arguments).contains("one line of at least 16 bytes"))
            }
        }
    }

    @Test func applicationsOfPusherFromFilesAreWholeAndDistinct() throws {
        let file = try TextFile("1:a:secret\n2:b:secret\n")
        #expect(try Settings(parsing: ["--pusher-app-file", file.path]).server.pusherApps.map(\.key) == ["a", "b"])
        let limited = try TextFile("1:a:secret max-connections=7 subscription-count=on webhook=http://b/c\n")
        let apps = try Settings(parsing: ["--pusher-app-file", limited.path]).server.pusherApps
        let options = try #require(apps.first).options
        #expect(options.maxConnections == 7 && options.maxMembers == 100 && options.maxClientEvents == nil)
        #expect(options.countsSubscriptions && options.webhookURL == "http://b/c")
        let bad = try TextFile("1:a:secret\nb:secret\n")
        let problems = try [
            ["--pusher-app-file", bad.path], ["--pusher-app", "a:secret"], ["--pusher-app", "1/2:a:secret"],
            ["--pusher-app", "1:a:"], ["--pusher-app", "1:a:secret more=1"],
            ["--pusher-app-file", file.path, "--pusher-app", "1:c:secret"],
            ["--pusher-app-file", file.path, "--pusher-app", "3:b:secret"],
        ].map { try refusal(of: $0) }
        for problem in problems { #expect(problem.hasPrefix("--pusher-app") && !problem.contains("secret'")) }
    }

    @Test(arguments: ["se cret", ""]) func aPublishKeyIsNotShown(key: String) throws {
        let problem = try refusal(of: ["--publish-key", key])
        #expect(problem.hasPrefix("--publish-key: '") && !problem.contains("cret"))
    }

    @Test(arguments: [
        "redis://user:secret@host:port", "redis://:secret@host:0", "redis://user:secret@host/x",
        "rediss+x://u:secret@h",
        "http://user:secret@host", "user:secret@host", "redis://user:secret@", "redis://:sec?ret@host",
        "redis://u:secret/word@host", "redis://u:%zzsecret@host", "redis+unix://:secret@relative",
        "redis://:a@secret@h:x",
    ])
    func aPasswordIsNotShown(url: String) throws {
        let problem = try refusal(of: ["--redis", url])
        #expect(!problem.contains("sec"))
        #expect(problem.hasPrefix("--redis: '"))
    }
}

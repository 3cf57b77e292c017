import Testing

/// Everything that runs a server: one test after the other, so that a test's server has the machine for itself.
@Suite(.serialized) enum ServerTests {}

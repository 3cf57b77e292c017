import Testing

/// All tests that run a server: one after the other, so that each server has the machine for itself.
@Suite(.serialized) enum ServerTests {}

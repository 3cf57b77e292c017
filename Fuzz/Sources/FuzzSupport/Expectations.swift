/// Ends the run with a finding if `condition` does not hold.
@inlinable
public func expect(
    _ condition: Bool, _ message: @autoclosure () -> String, file: StaticString = #file, line: UInt = #line
) {
    if !condition { fatalError(message(), file: file, line: line) }
}

/// Ends the run with a finding if the values differ.
@inlinable
public func expectEqual<Value: Equatable>(
    _ found: Value, _ expected: Value, _ message: @autoclosure () -> String, file: StaticString = #file,
    line: UInt = #line
) {
    if found != expected { fatalError("\(message()): \(found), expected \(expected)", file: file, line: line) }
}

/// Ends the run with a finding if `value` is nil.
@inlinable
public func expectSome<Value>(
    _ value: Value?, _ message: @autoclosure () -> String, file: StaticString = #file, line: UInt = #line
) -> Value {
    guard let value else { fatalError(message(), file: file, line: line) }
    return value
}

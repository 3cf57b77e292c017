import ArgumentParser
import Bytes

/// A member that is kept, and how its value is converted.
struct Field: Sendable, CustomStringConvertible {
    enum Conversion: String, Sendable {
        /// The value as it is.
        case none = ""
        /// A number, or a string that holds one: `"12.50"` becomes `12.50`.
        case number
        /// A time in UTC such as `"2026-11-29T21:04:21Z"` becomes the seconds since 1970.
        case unix
    }

    let name: String
    let conversion: Conversion

    var description: String { "\(name):\(conversion.rawValue)" }

    /// Appends the converted value of this raw JSON text; returns false if it cannot be converted.
    func append(_ value: RawSpan, to output: inout [UInt8]) -> Bool {
        switch conversion {
        case .none: output.append(value)
        case .number:
            guard let number = value.rangeOfNumber else { return false }
            output.append(value.extracting(number))
        case .unix:
            guard let seconds = value.unixTime else { return false }
            output.append(contentsOf: String(seconds).utf8)
        }
        return true
    }
}

extension Field: ExpressibleByArgument {
    /// A name, or `NAME:CONVERSION`; a name that has a colon itself is written with one more at its end.
    init?(argument: String) {
        guard let colon = argument.lastIndex(of: ":") else {
            self.init(name: argument, conversion: .none)
            return
        }
        guard let conversion = Conversion(rawValue: String(argument[argument.index(after: colon)...])) else {
            return nil
        }
        self.init(name: String(argument[..<colon]), conversion: conversion)
    }
}

extension RawSpan {
    /// Where the digits of this JSON value are: a number, or a string that holds one.
    fileprivate var rangeOfNumber: Range<Int>? {
        guard byte(at: 0) == UInt8(ascii: "\"") else { return byte(at: 0).beginsNumber ? 0..<byteCount : nil }
        guard byteCount > 2, byte(at: 1).beginsNumber, byte(at: byteCount - 2).isDigit else { return nil }
        let digits = 1..<byteCount - 1
        return JSON.isValid(extracting(digits)) ? digits : nil
    }

    /// The seconds since 1970 of `"2026-11-29T21:04:21Z"`, with its quotes; nil for any other text.
    fileprivate var unixTime: Int? {
        guard byteCount == 22, byte(at: 0) == UInt8(ascii: "\""), byte(at: 5) == UInt8(ascii: "-"),
            byte(at: 8) == UInt8(ascii: "-"), byte(at: 11) == UInt8(ascii: "T"), byte(at: 14) == UInt8(ascii: ":"),
            byte(at: 17) == UInt8(ascii: ":"), byte(at: 20) == UInt8(ascii: "Z"), let year = digits(1..<5),
            let month = digits(6..<8), let day = digits(9..<11), let hour = digits(12..<14),
            let minute = digits(15..<17), let second = digits(18..<20),
            1...12 ~= month, 1...daysOfMonth(month, year) ~= day, hour < 24, minute < 60, second < 60
        else { return nil }
        return ((daysSince1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
    }

    private func digits(_ range: Range<Int>) -> Int? {
        var number = 0
        for offset in range {
            guard byte(at: offset).isDigit else { return nil }
            number = number * 10 + Int(byte(at: offset) - UInt8(ascii: "0"))
        }
        return number
    }
}

extension UInt8 {
    fileprivate var beginsNumber: Bool { isDigit || self == UInt8(ascii: "-") }
}

private func daysOfMonth(_ month: Int, _ year: Int) -> Int {
    let isLeap = year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
    return switch month {
    case 2: isLeap ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
}

/// The days from 1 January 1970 to a date of the Gregorian calendar.
///
/// Years are counted from March, so that the leap day is the last day of a year.
private func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let year = month > 2 ? year : year - 1
    let daysBeforeMonth = (153 * ((month + 9) % 12) + 2) / 5
    let daysBeforeYear = 365 * year + year / 4 - year / 100 + year / 400
    return daysBeforeYear + daysBeforeMonth + day - 1 - 719_468
}

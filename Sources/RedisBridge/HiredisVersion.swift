internal import CHiredis

/// Which hiredis this was built with.
public enum HiredisVersion {
    /// Its version.
    public static let text = "\(HIREDIS_MAJOR).\(HIREDIS_MINOR).\(HIREDIS_PATCH)"
}

internal import CHiredis

/// The version of hiredis that was used in the build.
public enum HiredisVersion {
    /// Its version.
    public static let text = "\(HIREDIS_MAJOR).\(HIREDIS_MINOR).\(HIREDIS_PATCH)"
}

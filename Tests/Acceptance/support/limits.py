"""Limits of the test process and its children."""

import resource


def allow_all_descriptors():
    """Raises the limit of open files to the maximum."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

"""Limits of the process that runs the tests, and of what it starts."""

import resource


def allow_all_descriptors():
    """Raises the limit of open files as far as it may go."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

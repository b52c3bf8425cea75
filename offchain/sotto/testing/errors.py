"""Why a sandbox cannot start or go on."""


class SandboxError(Exception):
    """A process of the sandbox did not start, or has ended; the message says which, and where its log is."""

    hint = "read the log that is named above; `make setup native` installs what a sandbox needs"
